import { type Call, NotEmulated, type Reply } from '../http/exchange';
import { type User } from '../state/users';
import { type EmulatorContext } from '../context';
import { type GraphCaller, permittedUser } from './bearer';
import { GraphError } from './errors';
import { nameIn, shownExtensions } from './extensions';
import { queryOptions } from './queryOptions';
import { graphReply } from './reply';
import { otherUserProperties } from './userProperties';

/** The caller, or any user by object id or sign-in name. */
export function readUser(context: EmulatorContext, call: Call, caller: GraphCaller): Reply {
  const user = permittedUser(context, call, caller, 'read');
  const options = queryOptions(call);
  const unknown = [...options.keys()].find((name) => !['$select', '$expand'].includes(name));
  if (unknown !== undefined) throw new NotEmulated(`Graph's query option ${unknown}`);
  const selected =
    options
      .get('$select')
      ?.split(',')
      .map((name) => propertyNamed(name.trim())) ?? defaultProperties;
  const expanded = options.get('$expand');
  const expansion = /^extensions(?:\(\$filter=id eq '([^']+)'\))?$/i.exec(expanded ?? '');
  if (expanded !== null && !expansion) throw new NotEmulated(`$expand=${expanded} of a user`);
  // Without an explicit id in $select, Graph omits the extensions.
  const withExtensions = expansion && options.has('$select') && selected.includes('id');
  return graphReply(call, 200, {
    '@odata.context': `${context.names.graph(call)}/v1.0/$metadata#users(${selected.join(',')})/$entity`,
    ...select(user, selected),
    ...(withExtensions ? extensions(context, call, user, expansion[1]) : {}),
  });
}

/** @param id selects one of them */
function extensions(
  context: EmulatorContext,
  call: Call,
  user: User,
  id: string | undefined,
): Record<string, unknown> {
  const all = shownExtensions(context, user.objectId);
  return {
    'extensions@odata.context': `${context.names.graph(call)}/v1.0/$metadata#users('${user.objectId}')/extensions`,
    extensions: id === undefined ? all : all.filter((extension) => extension.id === nameIn(id)),
  };
}

export function nameParts(user: User): { givenName?: string | undefined; surname?: string | undefined } {
  const [givenName, surname] = user.name.split(' ');
  return { givenName, surname };
}

const properties: Record<string, (user: User) => unknown> = {
  businessPhones: () => [],
  displayName: (user) => user.name,
  givenName: (user) => nameParts(user).givenName,
  jobTitle: () => null,
  mail: (user) => user.userPrincipalName,
  mobilePhone: () => null,
  officeLocation: () => null,
  preferredLanguage: () => null,
  surname: (user) => nameParts(user).surname ?? null,
  userPrincipalName: (user) => user.userPrincipalName,
  id: (user) => user.objectId,
};
const defaultProperties = Object.keys(properties);

/** The property as Graph writes it: the case of the name in a request does not matter. */
function propertyNamed(name: string): string {
  const sameName = (candidate: string): boolean => candidate.toLowerCase() === name.toLowerCase();
  const property = defaultProperties.find(sameName);
  if (property !== undefined) return property;
  if (['*', 'extensions', ...otherUserProperties].some(sameName))
    throw new NotEmulated(`$select=${name} of a user`);
  const reason = `Could not find a property named '${name}' on type 'microsoft.graph.user'.`;
  throw new GraphError(400, 'BadRequest', `Parsing OData Select and Expand failed: ${reason}`);
}

function select(user: User, selected: string[]): Record<string, unknown> {
  return Object.fromEntries(selected.map((name) => [name, properties[name]?.(user)]));
}
