import { hash } from 'node:crypto';
import type { AuthenticatedUser } from '../auth/authenticatedUser';
import type { TeamsToken } from '../auth/teamsTokenChecks';
import { createSingleFlight } from '../concurrency/singleFlight';
import type { AcsIdentityService, CommunicationToken } from './acsIdentityService';

/** Exchanges a Teams user's Entra token for a communication token; callers with the same tokens share one exchange. */
export type ExchangeTeamsToken = (
  user: AuthenticatedUser,
  teamsToken: TeamsToken,
  caller: AbortSignal,
) => Promise<CommunicationToken>;

export function createTeamsExchange(
  acs: Pick<AcsIdentityService, 'exchangeTeamsToken'>,
  workTimeLimitInMs: number,
): ExchangeTeamsToken {
  const share = createSingleFlight<CommunicationToken>(workTimeLimitInMs);
  return (user, { text, clientId }, caller) =>
    share(`${user.accessTokenHash} ${hash('sha256', text, 'base64url')}`, caller, (deadline) =>
      acs.exchangeTeamsToken(text, clientId, user.objectId, deadline),
    );
}
