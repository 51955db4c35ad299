import { type Call, form, type Handler, header, type Reply } from '../http/exchange';
import { type EmulatorContext } from '../context';
import { authorize, logout, signIn } from './authorize';
import { clientCredentials } from './clientCredentials';
import { redeemDeviceCode, startDeviceFlow } from './deviceCode';
import { devicePage, deviceSignIn } from './devicePage';
import { EntraError, errorReply } from './errors';
import { instanceDiscovery } from './instanceDiscovery';
import { redeemCode, redeemRefreshToken } from './interactiveTokens';
import { discovery, keys } from './metadata';
import { onBehalfOf } from './onBehalfOf';
import { passwordSignIn, userRealm } from './password';
import { checkTenant } from './registrations';
import { rejectGrantType } from './tokenRequest';

type EntraOperation = (context: EmulatorContext, call: Call) => Reply;

export function entraHandlers(context: EmulatorContext) {
  /** Converts a failure that a handler throws to Entra's error body. */
  const withErrorMapping =
    (handle: EntraOperation): Handler =>
    (call) => {
      try {
        return withHeaders(handle(context, call), call);
      } catch (error) {
        if (error instanceof EntraError) return withHeaders(errorReply(error.failure, call), call);
        throw error;
      }
    };
  /** The keys for a client assertion may have to be fetched first. */
  const withIssuerKeys =
    (handle: EntraOperation): ((call: Call) => Reply | Promise<Reply>) =>
    (call) => {
      const fields = form(call);
      const respond = withErrorMapping(handle);
      if (!fields.has('client_assertion')) return respond(call);
      const prepared = context.issuerKeys.prepare(fields.get('client_id'), fields.get('client_assertion'));
      return prepared.then(() => respond(call));
    };
  return {
    'entra.discovery': withErrorMapping(forTenant(discovery)),
    'entra.keys': withErrorMapping(forTenant(keys)),
    'entra.authorize': withErrorMapping(authorize),
    'entra.signIn': withErrorMapping(signIn),
    'entra.logout': withErrorMapping(logout),
    'entra.instanceDiscovery': withErrorMapping(instanceDiscovery),
    'entra.deviceCode': withErrorMapping(startDeviceFlow),
    'entra.devicePage': withErrorMapping(devicePage),
    'entra.deviceSignIn': withErrorMapping(deviceSignIn),
    'entra.userRealm': withErrorMapping(userRealm),
    'entra.token.password': withIssuerKeys(passwordSignIn),
    'entra.token.no_grant_type': withErrorMapping(rejectGrantType),
    'entra.token.device_code': withIssuerKeys(redeemDeviceCode),
    'entra.token.authorization_code': withIssuerKeys(redeemCode),
    'entra.token.refresh_token': withIssuerKeys(redeemRefreshToken),
    'entra.token.on_behalf_of': withIssuerKeys(onBehalfOf),
    'entra.token.client_credentials': withIssuerKeys(clientCredentials),
  };
}

/** Entra's name for the server of a response: version, data center and deployment. */
const server = { 'x-ms-ests-server': '2.1.0.0 - EMULATOR ProdSlices' };

/** With the client's own id for the request, if it wants it back. MSAL for .NET and Java compare the two. */
function withHeaders(reply: Reply, call: Call): Reply {
  const id = header(call, 'client-request-id');
  const wanted = id !== undefined && header(call, 'return-client-request-id') === 'true';
  return {
    ...reply,
    headers: { ...reply.headers, ...server, ...(wanted ? { 'client-request-id': id } : {}) },
  };
}

/** For the tenant, and for the names that all tenants share. */
function forTenant(handle: EntraOperation): EntraOperation {
  return (context, call) => {
    checkTenant(call.params.tenant, true);
    return handle(context, call);
  };
}
