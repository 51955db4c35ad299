import { randomUUID } from 'node:crypto';
import { type Call, form, json, NotEmulated, type Reply } from '../http/exchange';
import { tokenLifetimeInSeconds } from '../tokens/tokenForge';
import { type EmulatorContext } from '../context';
import { authenticateClient } from './clientCredential';
import { fail, noStore } from './errors';
import { checkTenant, findRegistration } from './registrations';
import { parseScopes } from './scopes';

/** The service principal of the application: not a user, though it looks like one. */
const servicePrincipal = '5e21ce00-0000-4000-8000-000000000007';

/** An application signs in as itself. It has no application permissions, so that its token has no roles. */
export function clientCredentials(context: EmulatorContext, call: Call): Reply {
  const fields = form(call);
  checkTenant(call.params.tenant);
  const registration = findRegistration(fields.get('client_id'));
  const clientAuthentication = authenticateClient(context, call, fields, registration);
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
  if (!parseScopes(scope, registration, context.url).resources.graph)
    throw new NotEmulated('The client credentials flow for another resource than Microsoft Graph');
  const accessToken = context.forge.graphToken({
    client: registration.clientId,
    scope: null,
    claims: {
      idtyp: 'app',
      appidacr: clientAuthentication,
      oid: servicePrincipal,
      sub: servicePrincipal,
      name: undefined,
      unique_name: undefined,
      upn: undefined,
      amr: undefined,
    },
  });
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
