import {
  type Call,
  type Handler,
  isObject,
  json,
  jsonObject,
  NotEmulated,
  type Reply,
} from '../http/exchange';
import { findRoute } from '../http/router';
import { GraphError } from './errors';
import { graphReply } from './reply';

const maxRequests = 20;

interface BatchRequest {
  id: string;
  method: string;
  url: string;
  headers: Record<string, string>;
  body: unknown;
  dependsOn: string[];
}

interface BatchResponse {
  id: string;
  status: number;
  headers: Record<string, unknown>;
  body?: unknown;
}

/**
 * Runs the requests of a JSON batch one after the other, in the order of their dependencies. Each has its own response; the batch itself
 * fails only if it is malformed.
 */
export function runBatch(call: Call, handlers: Record<string, Handler>): Reply {
  const requests = parse(call);
  const responses = new Map<string, BatchResponse>();
  const run = (request: BatchRequest): void => {
    const failed = request.dependsOn.some((id) => (responses.get(id)?.status ?? 500) >= 400);
    responses.set(request.id, failed ? dependencyFailed(request.id) : respond(call, request, handlers));
  };
  let waiting = requests;
  while (waiting.length > 0) {
    const ready = waiting.filter(({ dependsOn }) => dependsOn.every((id) => responses.has(id)));
    if (ready.length === 0) malformed('The dependencies of the requests form a cycle.');
    ready.forEach(run);
    waiting = waiting.filter(({ id }) => !responses.has(id));
  }
  return graphReply(call, 200, { responses: [...responses.values()] });
}

function respond(call: Call, request: BatchRequest, handlers: Record<string, Handler>): BatchResponse {
  const { id, method, headers } = request;
  const target = `/v1.0${request.url.startsWith('/') ? '' : '/'}${request.url}`;
  const [path = '', query = ''] = target.split('?', 2);
  const route = findRoute(method, path, () => '');
  const handler = route && handlers[route.operation];
  if (!handler) throw new NotEmulated(`${method} ${path} in a batch`);
  const { authorization } = call.headers;
  const reply = handler({
    method,
    target,
    path,
    query: new URLSearchParams(query),
    params: route.params,
    headers: { ...(authorization === undefined ? {} : { authorization }), ...headers },
    body: Buffer.from(request.body === undefined ? '' : JSON.stringify(request.body)),
  });
  return {
    id,
    status: reply.status,
    headers: titleCased(reply.headers),
    ...(reply.body === '' ? {} : { body: JSON.parse(reply.body) as unknown }),
  };
}

function dependencyFailed(id: string): BatchResponse {
  const error = { code: 'FailedDependency', message: 'A request that this one depends on failed.' };
  const { headers, body } = json(424, { error });
  return { id, status: 424, headers: titleCased(headers), body: JSON.parse(body) as unknown };
}

/** As Graph writes header names in a batch, where they are properties of an object. */
function titleCased(headers: Reply['headers']): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [
      name.replace(/(^|-)(odata|[a-z])/g, (_all, dash: string, start: string) =>
        start === 'odata' ? `${dash}OData` : `${dash}${start.toUpperCase()}`,
      ),
      value,
    ]),
  );
}

function parse(call: Call): BatchRequest[] {
  const requests = jsonObject(call)?.requests;
  if (!Array.isArray(requests) || requests.length === 0) malformed('The batch must have requests.');
  if (requests.length > maxRequests) {
    malformed(`Number of batch request steps exceeds the maximum value of ${maxRequests}.`);
  }
  const parsed = requests.map(parseRequest);
  const ids = new Set(parsed.map(({ id }) => id));
  if (ids.size < parsed.length) malformed('The ids of the requests must be unique.');
  const unknown = parsed.flatMap(({ dependsOn }) => dependsOn).find((id) => !ids.has(id));
  if (unknown !== undefined) malformed(`A request depends on '${unknown}', which is not in the batch.`);
  return parsed;
}

function parseRequest(request: unknown): BatchRequest {
  if (!isObject(request)) malformed('A request of a batch must be an object.');
  const { id, method, url } = request;
  // A null counts as absent.
  const [headers, dependsOn, body] = [
    request.headers ?? {},
    request.dependsOn ?? [],
    request.body ?? undefined,
  ];
  if (typeof id !== 'string' || id === '') malformed('A request of a batch must have an id.');
  if (typeof method !== 'string' || typeof url !== 'string' || url === '') {
    malformed(`The request '${id}' must have a method and a url.`);
  }
  if (/^https?:/i.test(url)) malformed(`The url of the request '${id}' must be relative.`);
  if (!isObject(headers) || !Array.isArray(dependsOn)) {
    malformed(`The headers or the dependencies of the request '${id}' are malformed.`);
  }
  const names = Object.entries(headers).map(([name, value]) => [name.toLowerCase(), String(value)] as const);
  const lowerCased = Object.fromEntries(names);
  if (body !== undefined && !/^application\/json\b/i.test(lowerCased['content-type'] ?? '')) {
    malformed(`The request '${id}' has a body, and must have the header Content-Type.`);
  }
  return {
    id,
    method: method.toUpperCase(),
    url,
    headers: lowerCased,
    body,
    dependsOn: dependsOn.map(String),
  };
}

function malformed(message: string): never {
  throw new GraphError(400, 'BadRequest', message);
}
