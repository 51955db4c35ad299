import { type Call, type Handler, type Reply } from '../http/exchange';
import { type World } from '../world';
import { authorize, logout, signIn } from './authorize';
import { clientCredentials } from './clientCredentials';
import { EntraError, errorReply } from './errors';
import { redeemCode, redeemRefreshToken } from './interactiveTokens';
import { discovery, keys } from './metadata';
import { onBehalfOf } from './onBehalfOf';
import { checkTenant } from './registrations';

export function entraHandlers(world: World) {
  /** A failure that a handler throws becomes Entra's error body. */
  const answering =
    (handle: (world: World, call: Call) => Reply): Handler =>
    (call) => {
      try {
        return handle(world, call);
      } catch (error) {
        if (error instanceof EntraError) return errorReply(error.failure, call);
        throw error;
      }
    };
  const ofTenant =
    (handle: (world: World, call: Call) => Reply): ((world: World, call: Call) => Reply) =>
    (_world, call) => {
      checkTenant(call.params.tenant, true);
      return handle(world, call);
    };
  return {
    'entra.discovery': answering(ofTenant(discovery)),
    'entra.keys': answering(ofTenant(keys)),
    'entra.authorize': answering(authorize),
    'entra.signIn': answering(signIn),
    'entra.logout': answering(logout),
    'entra.token.authorization_code': answering(redeemCode),
    'entra.token.refresh_token': answering(redeemRefreshToken),
    'entra.token.on_behalf_of': answering(onBehalfOf),
    'entra.token.client_credentials': answering(clientCredentials),
  };
}
