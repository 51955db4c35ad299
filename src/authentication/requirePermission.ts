import { type AuthenticatedUser, setCaller } from './authenticatedUser';
import type { Challenges } from './challenge';
import type { ReceivedToken } from './identityProvider';
import { firstProblem, nowInSeconds, type PermissionCheck } from './tokenChecks';

export interface Permission<Policy> {
  readonly checks: readonly PermissionCheck<Policy>[];
  readonly policy: Policy;
  readonly challenges: Challenges;
}

/** Returns the user of a valid token. Throws ApiError (403) if the token lacks permission. */
export function requirePermission<Policy>(
  user: AuthenticatedUser,
  { jwt, response }: ReceivedToken,
  { checks, policy, challenges }: Permission<Policy>,
): AuthenticatedUser {
  const missing = firstProblem(checks, jwt, policy, nowInSeconds());
  if (!missing) return user;
  // The caller is known: the log names it.
  setCaller(response, user);
  throw challenges.forbidden(missing.check.code, missing.problem.message);
}
