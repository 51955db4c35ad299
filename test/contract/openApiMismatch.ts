import addFormats from 'ajv-formats';
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020';
import {
  type HeaderObject,
  type JsonSchema,
  readOpenApiDocument,
  resolve,
  type ResponseObject,
  type Responses,
} from './openApiDocument';

/** A response of the server, as supertest returns it. */
export interface ApiResponse {
  status: number;
  /** Names in lower case. */
  headers: Record<string, string>;
  text: string;
}

/** Headers that a client may use: each one that is sent must be documented. */
const documentedHeaders = /^(www-authenticate|retry-after|allow|x-ms-.*)$/;
const documentationPaths = /^\/(docs(\/|$)|openapi\.json$)/;

const document = readOpenApiDocument();
const ajv = addFormats(new Ajv2020({ allErrors: true, strict: true }));
ajv.addKeyword('components');
// Clients must expect new fields; the tests must not, or openapi.yaml would fall behind.
ajv.addSchema({ $id: 'openapi', components: closed(document.components) });
/** Express matches paths case-insensitively. */
const paths = new Map(Object.entries(document.paths).map(([path, item]) => [path.toLowerCase(), item]));
/** Those with a parameter, as patterns. */
const templates = [...paths].flatMap(([path, item]) =>
  path.includes('{') ? [{ pattern: new RegExp(`^${path.replaceAll(/\{\w+\}/g, '[^/]+')}$`), item }] : [],
);
const compiled = new Map<string, ValidateFunction>();

/** Describes how this response differs from openapi.yaml; undefined if it does not. */
export function describeMismatch(method: string, target: string, reply: ApiResponse): string | undefined {
  const [path = ''] = target.split('?');
  if (documentationPaths.test(path)) return undefined;
  const problems = problemsOf(method.toLowerCase(), path, reply);
  if (problems.length === 0) return undefined;
  const what = `${method.toUpperCase()} ${path} responded with ${reply.status} ${reply.text.slice(0, 500)}`;
  return `${what}\ndoes not match openapi.yaml:\n${problems.map((one) => `  - ${one}`).join('\n')}`;
}

function problemsOf(method: string, path: string, reply: ApiResponse): string[] {
  const documented = documentedResponses(method, path)[reply.status];
  if (!documented) return [`the status ${reply.status} is not documented`];
  const response = resolve(document, documented);
  return [...headerProblems(response, reply), ...bodyProblems(method, response, reply)];
}

function documentedResponses(method: string, path: string): Responses {
  const { unknownPath, otherMethod, options } = document['x-other-responses'];
  const normalized = path.toLowerCase().replace(/(.)\/$/, '$1');
  const item = paths.get(normalized) ?? templates.find(({ pattern }) => pattern.test(normalized))?.item;
  if (method === 'options') return { ...(item ? {} : unknownPath), ...options };
  if (!item) return unknownPath;
  // HEAD is allowed for the root and for health only; elsewhere it would issue a token and drop it.
  if (method === 'head' && (path === '/' || path.startsWith('/health/')))
    return item.get?.responses ?? unknownPath;
  return item[method]?.responses ?? otherMethod;
}

function headerProblems(response: ResponseObject, { headers }: ApiResponse): string[] {
  const documented = new Map(
    Object.entries(response.headers ?? {}).map(([name, header]) => [
      name.toLowerCase(),
      resolve<HeaderObject>(document, header),
    ]),
  );
  const undocumented = Object.keys(headers).filter(
    (name) => documentedHeaders.test(name) && !documented.has(name),
  );
  const wrong = [...documented].flatMap(([name, { required, schema }]) => {
    const value = headers[name];
    if (value === undefined) return required ? [`the header ${name} is missing`] : [];
    return violations(schema, value).map((violation) => `the header ${name} (${value}) ${violation}`);
  });
  return [...undocumented.map((name) => `the header ${name} is not documented`), ...wrong];
}

function bodyProblems(method: string, { content }: ResponseObject, { headers, text }: ApiResponse): string[] {
  if (!content) return text === '' ? [] : ['a body is not documented'];
  const [mediaType = ''] = (headers['content-type'] ?? '').split(';');
  const documented = content[mediaType];
  if (!documented) return [`the media type ${mediaType} is not documented`];
  if (method === 'head' || mediaType !== 'application/json') return [];
  const body: unknown = JSON.parse(text);
  const code = errorCodeOf(body);
  return [
    ...violations(documented.schema, body).map((violation) => `the body${violation}`),
    ...(headers['x-ms-error-code'] === code
      ? []
      : [`the header x-ms-error-code is not the body's ${code ?? 'none'}`]),
  ];
}

function violations(schema: JsonSchema, value: unknown): string[] {
  const key = JSON.stringify(schema);
  const validate =
    compiled.get(key) ?? ajv.compile(closed(JSON.parse(key.replaceAll('"#/', '"openapi#/')) as JsonSchema));
  compiled.set(key, validate);
  validate(value);
  return (validate.errors ?? []).map(
    ({ instancePath, message, params }) => `${instancePath} ${message ?? ''} ${JSON.stringify(params)}`,
  );
}

function errorCodeOf(body: unknown): string | undefined {
  return (body as { error?: { code?: string } }).error?.code;
}

/** The same schemas, without additional properties. */
function closed<T>(schema: T): T {
  if (Array.isArray(schema)) return schema.map(closed) as T;
  if (typeof schema !== 'object' || schema === null) return schema;
  const entries = Object.entries(schema).map(([name, value]) => [name, closed<unknown>(value)]);
  const isOpen = 'properties' in schema && !('additionalProperties' in schema);
  return Object.fromEntries(isOpen ? [...entries, ['additionalProperties', false]] : entries) as T;
}
