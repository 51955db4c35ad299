import { randomUUID, timingSafeEqual } from 'node:crypto';
import { type EmulatorContext } from '../context';
import { type Call, type Handler, header, json, NotEmulated, type Reply } from '../http/exchange';
import { identityHeader, type ManagedIdentity, managedIdentities } from '../seed';
import {
  communicationAudiences,
  graphAudiences,
  storageAudiences,
  tokenExchangeAudience,
} from '../tokens/audiences';
import { decodeJwt } from '../tokens/jwt';

const audiences = [...communicationAudiences, ...storageAudiences, ...graphAudiences, tokenExchangeAudience];

/** App Service's identity endpoint: a token for an identity that is assigned to the app. */
export function managedIdentityHandlers(context: EmulatorContext) {
  const handler: Handler = (call) => {
    const problem = findProblem(call);
    if (problem !== undefined) return refused(problem);
    const identity = findIdentity(call.query);
    if (!identity) return refused(notAssigned);
    const resource = call.query.get('resource') ?? '';
    if (!audiences.includes(resource)) throw new NotEmulated(`A managed identity's token for ${resource}`);
    const lifetimeInSeconds = context.switches.managedIdentityTokenLifetimeInSeconds;
    const token = context.tokenFactory.applicationToken(
      { ...identity, authentication: '2' },
      resource,
      lifetimeInSeconds,
    );
    const { exp, nbf } = decodeJwt(token)?.claims ?? {};
    return json(200, {
      access_token: token,
      expires_on: String(exp),
      not_before: String(nbf),
      resource,
      token_type: 'Bearer',
      client_id: identity.clientId,
    });
  };
  return { 'managedIdentity.token': handler };
}

const notAssigned =
  'No User Assigned or Delegated Managed Identity found for specified ClientId/ResourceId/PrincipalId.';

function findProblem(call: Call): string | undefined {
  const secret = Buffer.from(header(call, 'x-identity-header') ?? '');
  const expected = Buffer.from(identityHeader);
  if (secret.length !== expected.length || !timingSafeEqual(secret, expected)) {
    return 'The X-IDENTITY-HEADER header is missing or not valid.';
  }
  const version = call.query.get('api-version');
  if (version === '2017-09-01') throw new NotEmulated('The identity endpoint in api-version 2017-09-01');
  if (version !== '2019-08-01') return `The api-version '${version ?? ''}' is not supported.`;
  if (Object.keys(identifiers).filter((name) => call.query.has(name)).length > 1) {
    return 'Only one of client_id, principal_id, object_id and mi_res_id can be used.';
  }
  if (!call.query.get('resource')) return 'The resource parameter is required.';
  return undefined;
}

/** App Service and the SDKs use several names for each identifier. */
const identifiers: Record<string, 'clientId' | 'objectId' | 'resourceId'> = {
  client_id: 'clientId',
  principal_id: 'objectId',
  object_id: 'objectId',
  mi_res_id: 'resourceId',
  msi_res_id: 'resourceId',
};

function findIdentity(query: URLSearchParams): ManagedIdentity | undefined {
  for (const [parameter, identifier] of Object.entries(identifiers)) {
    const wanted = query.get(parameter)?.toLowerCase();
    if (wanted === undefined) continue;
    return managedIdentities.find((identity) => identity[identifier].toLowerCase() === wanted);
  }
  return managedIdentities.find(({ key }) => key === 'systemAssigned');
}

function refused(message: string): Reply {
  return json(400, { statusCode: 400, message, correlationId: randomUUID() });
}
