import { hash } from 'node:crypto';
import { type AuthenticatedUser, entraAccountOf } from '../authentication/authenticatedUser';
import type { TeamsToken } from './teamsTokenChecks';
import { createSingleFlight } from '../resilience/singleFlight';
import type { Telemetry } from '../telemetry/telemetry';
import type { AcsIdentityClient, CommunicationToken } from '../acs/acsIdentityClient';

/** Exchanges a Teams user's Entra token for a communication token. Concurrent requests with the same tokens share one exchange. */
export type ExchangeTeamsToken = (
  user: AuthenticatedUser,
  teamsToken: TeamsToken,
  caller: AbortSignal,
) => Promise<CommunicationToken>;

export function createTeamsExchange(
  acs: Pick<AcsIdentityClient, 'exchangeTeamsToken'>,
  workTimeLimitInMs: number,
  telemetry?: Telemetry,
): ExchangeTeamsToken {
  const coalesce = createSingleFlight<CommunicationToken>(workTimeLimitInMs);
  return (user, { text, clientId }, caller) =>
    coalesce(`${user.accessTokenHash} ${hash('sha256', text, 'base64url')}`, caller, async (deadline) => {
      const token = await acs.exchangeTeamsToken(text, clientId, entraAccountOf(user).objectId, deadline);
      telemetry?.count('token_exchanged');
      return token;
    });
}
