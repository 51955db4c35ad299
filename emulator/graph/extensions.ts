import {
  type Call,
  header,
  isObject,
  jsonObject,
  noContent,
  NotEmulated,
  type Reply,
} from '../http/exchange';
import { type OpenExtension } from '../state/openExtensions';
import { type User } from '../state/users';
import { type EmulatorContext } from '../context';
import { type GraphCaller, permittedUser } from './bearer';
import { GraphError, requestIds } from './errors';
import { queryOptions } from './queryOptions';
import { graphReply } from './reply';

const maxPerApp = 2;
const maxSizeInBytes = 2048;
const type = 'microsoft.graph.openTypeExtension';

export function list(context: EmulatorContext, call: Call, caller: GraphCaller): Reply {
  const user = permittedUser(context, call, caller, 'read');
  const select = selection(call);
  return graphReply(call, 200, {
    '@odata.context': `${contextUrl(context, call, user)}${selectionIn(select)}`,
    value: shownExtensions(context, user.objectId).map((extension) => selected(extension, select)),
  });
}

export function read(context: EmulatorContext, call: Call, caller: GraphCaller): Reply {
  const user = permittedUser(context, call, caller, 'read');
  const replica = context.directory.extensions.asReplicated(user.objectId, context.clock());
  const extension = replica.get(nameOf(call)) ?? notFound();
  return single(context, call, user, 200, extension, selection(call));
}

export function create(context: EmulatorContext, call: Call, caller: GraphCaller): Reply {
  const user = permittedUser(context, call, caller, 'write');
  const body = checkedBody(call);
  const name = body.extensionName;
  // Reverse DNS order is advice, and a domain may have hyphens.
  if (typeof name !== 'string' || !/^[\w-]+(\.[\w-]+)*$/.test(name) || /^com\.(on)?microsoft/i.test(name)) {
    badRequest('The extension name is not valid.');
  }
  const existing = context.directory.extensions.of(user.objectId);
  if (existing.has(name)) {
    const status = context.switches.duplicateExtensionStatus;
    throw new GraphError(status, 'Request_BadRequest', 'An extension already exists with given id.');
  }
  const ofThisApp = [...existing.values()].filter(({ creatorApp }) => creatorApp === caller.app);
  if (ofThisApp.length >= maxPerApp) {
    badRequest(`Maximum number of extensions values supported per application is ${maxPerApp}.`);
  }
  const extension = { name, properties: propertiesOf(body), creatorApp: caller.app };
  context.directory.extensions.put(user.objectId, extension, replicatedAt(context));
  return single(context, call, user, 201, extension);
}

/** Replaces all properties: those that are not sent are removed. */
export function update(context: EmulatorContext, call: Call, caller: GraphCaller): Reply {
  const user = permittedUser(context, call, caller, 'write');
  const body = checkedBody(call, type);
  const { extensions } = context.directory;
  const existing = extensions.of(user.objectId).get(nameOf(call)) ?? notFound();
  const extension = { ...existing, properties: propertiesOf(body) };
  extensions.put(user.objectId, extension, replicatedAt(context));
  return context.switches.patchAnswersBody
    ? single(context, call, user, 200, extension)
    : noContent(requestIds(call));
}

export function remove(context: EmulatorContext, call: Call, caller: GraphCaller): Reply {
  const user = permittedUser(context, call, caller, 'write');
  const { extensions } = context.directory;
  const existing = extensions.of(user.objectId).get(nameOf(call)) ?? notFound();
  extensions.remove(user.objectId, existing.name, replicatedAt(context));
  return noContent(requestIds(call));
}

/** The user's extensions as a read of Graph shows them. */
export function shownExtensions(context: EmulatorContext, userObjectId: string): Record<string, unknown>[] {
  const replica = context.directory.extensions.asReplicated(userObjectId, context.clock());
  return [...replica.values()].map((extension) => shown(extension, context.switches.onlyIdInExtensions));
}

export function shown(extension: OpenExtension, onlyId = false): Record<string, unknown> {
  return {
    '@odata.type': `#${type}`,
    ...(onlyId ? {} : { extensionName: extension.name }),
    id: extension.name,
    ...extension.properties,
  };
}

/** The properties that an app stored, without the metadata of the extension. */
export function propertiesOf(body: Record<string, unknown>): Record<string, unknown> {
  const describing = ['extensionName', 'id'];
  const own = Object.entries(body).filter(
    ([name]) => !name.startsWith('@odata.') && !describing.includes(name),
  );
  return Object.fromEntries(own);
}

function single(
  context: EmulatorContext,
  call: Call,
  user: User,
  status: number,
  extension: OpenExtension,
  select?: string[],
): Reply {
  const onlyId = context.switches.onlyIdInExtensions;
  const body = {
    '@odata.context': `${contextUrl(context, call, user)}${selectionIn(select)}/$entity`,
    ...selected(shown(extension, onlyId), select),
  };
  return graphReply(call, status, body);
}

/** The properties in $select; undefined means all. */
function selection(call: Call): string[] | undefined {
  const options = queryOptions(call);
  const unknown = [...options.keys()].find((name) => name !== '$select');
  if (unknown !== undefined) throw new NotEmulated(`Graph's query option ${unknown} for extensions`);
  const names = options
    .get('$select')
    ?.split(',')
    .map((name) => name.trim());
  return names?.includes('*') ? undefined : names;
}

/** The type is open, so a property that it does not have is no error. Its metadata is always included. */
function selected(extension: Record<string, unknown>, select: string[] | undefined): Record<string, unknown> {
  const entries = Object.entries(extension);
  return Object.fromEntries(
    entries.filter(([name]) => name.startsWith('@odata.') || (select?.includes(name) ?? true)),
  );
}

function selectionIn(select: string[] | undefined): string {
  return select ? `(${select.join(',')})` : '';
}

const unreadable =
  'Unable to read JSON request payload. Please ensure Content-Type header is set and payload is of valid JSON format.';

/** @param ifUndeclared the type of a body that does not declare one; required for a new extension */
function checkedBody(call: Call, ifUndeclared?: string): Record<string, unknown> {
  if (!/^application\/json\b/i.test(header(call, 'content-type') ?? '')) {
    throw new GraphError(400, 'BadRequest', 'Entity only allows writes with a JSON Content-Type header.');
  }
  const body = jsonObject(call);
  if (!body) throw new GraphError(400, 'BadRequest', unreadable);
  const declared = body['@odata.type'] ?? ifUndeclared;
  if (declared !== type && declared !== `#${type}`) {
    badRequest(`The property '@odata.type' must be present and be '${type}'.`);
  }
  if (Buffer.byteLength(JSON.stringify(propertiesOf(body))) > maxSizeInBytes) {
    badRequest('The size of the open extension exceeds the maximum of 2 KB.');
  }
  if (Object.values(propertiesOf(body)).some((value) => isObject(value))) {
    throw new NotEmulated('An object as the value of a property of an open extension');
  }
  return body;
}

function contextUrl(context: EmulatorContext, call: Call, user: User): string {
  return `${context.names.graph(call)}/v1.0/$metadata#users('${user.objectId}')/extensions`;
}

function nameOf(call: Call): string {
  return nameIn(call.params.name ?? '');
}

/** An extension may also be named with its type in front. */
export function nameIn(name: string): string {
  return name.toLowerCase().startsWith(`${type.toLowerCase()}.`) ? name.slice(type.length + 1) : name;
}

function replicatedAt(context: EmulatorContext): number {
  const { replicaLagInMs } = context.switches;
  return replicaLagInMs > 0 ? context.clock() + replicaLagInMs : 0;
}

function notFound(): never {
  throw new GraphError(404, 'ResourceNotFound', 'Extension with given id not found.');
}

function badRequest(message: string): never {
  throw new GraphError(400, 'Request_BadRequest', message);
}
