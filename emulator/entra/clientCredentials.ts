import { randomUUID } from 'node:crypto';
import { type Call, json, NotEmulated, type Reply } from '../http/exchange';
import { apiAudience, communicationAudiences, graphAudience, storageAudiences } from '../tokens/audiences';
import { tokenLifetimeInSeconds } from '../tokens/tokenFactory';
import { type EmulatorContext } from '../context';
import { authenticateClient } from './clientAuthentication';
import { fail, noStore } from './errors';
import { checkTenant, findRegistration, type Registration } from './registrations';
import { parseScopes, singleResource } from './scopes';
import { tokenForm } from './tokenRequest';

/** An application signs in as itself, with the application permissions that it was granted as roles. */
export function clientCredentials(context: EmulatorContext, call: Call): Reply {
  const fields = tokenForm(call);
  checkTenant(call.params.tenant);
  const registration = findRegistration(fields.get('client_id'));
  const authentication = authenticateClient(context, call, fields, registration);
  const scope = fields.get('scope') ?? '';
  if (scope !== '' && !scope.split(/\s+/).every((candidate) => candidate.endsWith('/.default'))) {
    fail({
      status: 400,
      error: 'invalid_scope',
      code: 1002012,
      message:
        `The provided value for scope ${scope} is not valid. Client credential flows must have a scope value with ` +
        '/.default suffixed to the resource identifier (application ID URI).',
    });
  }
  const audience = audienceOf(context, scope, registration);
  const { clientId, servicePrincipalId: objectId } = registration;
  const accessToken = context.tokenFactory.applicationToken({ clientId, objectId, authentication }, audience);
  return json(
    200,
    {
      token_type: 'Bearer',
      expires_in: tokenLifetimeInSeconds,
      ext_expires_in: tokenLifetimeInSeconds,
      access_token: accessToken,
    },
    { ...noStore, 'x-ms-request-id': randomUUID() },
  );
}

function audienceOf(context: EmulatorContext, scope: string, registration: Registration): string {
  const ofAzure = [...communicationAudiences, ...storageAudiences];
  const azure = ofAzure.find((candidate) => scope === `${candidate}/.default`);
  if (azure !== undefined) return azure;
  const scopes = parseScopes(scope, registration, context.url);
  singleResource(scopes);
  const { resources } = scopes;
  if (resources.graph) return graphAudience;
  if (resources.api) return apiAudience(context.switches.accessTokenVersion);
  throw new NotEmulated(
    'The client credentials flow for another resource than AuthServer, Microsoft Graph, ACS and Azure Storage',
  );
}
