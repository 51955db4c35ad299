import { printable } from '../errors';
import type { DecodedJwt } from './jwt';

/** Why a token is rejected: `code` goes to the caller as `innererror.code`. */
export interface TokenProblem {
  readonly code: string;
  readonly message: string;
}

export interface TokenCheck<Policy> {
  readonly name: string;
  /** A token that fails this check will always fail it, so the result can be cached. */
  readonly permanent: boolean;
  readonly find: (jwt: DecodedJwt, policy: Policy, nowInSeconds: number) => TokenProblem | undefined;
}

/** What a valid token may lack (403). `code` is the error code of the response. */
export interface PermissionCheck<Policy> extends TokenCheck<Policy> {
  readonly code: 'app_only_token' | 'insufficient_scope' | 'client_not_allowed';
}

/** Five minutes, as in Microsoft's libraries. */
export const clockSkewInSeconds = 300;

/** Whole seconds, as the libraries that verify the tokens count them (RFC 7519, NumericDate). */
export function nowInSeconds(): number {
  return Math.floor(Date.now() / 1_000);
}

export function problem(code: string, message: string): TokenProblem {
  return { code, message };
}

/** @param issuer who issues tokens, for the message */
export function malformedProblem(
  issuer: string,
  providers: readonly { issuesOpaqueTokens: boolean }[],
): TokenProblem {
  const hint = providers.some(({ issuesOpaqueTokens }) => issuesOpaqueTokens)
    ? ' Some providers issue opaque access tokens unless the client requests this API by its audience or resource.'
    : '';
  return problem(
    'malformed_token',
    `The access token is not a JSON Web Token. Send it as ${issuer} issued it.${hint}`,
  );
}

/** The first problem that any of the checks finds. */
export function firstProblem<Policy, Check extends TokenCheck<Policy>>(
  checks: readonly Check[],
  jwt: DecodedJwt,
  policy: Policy,
  nowInSeconds: number,
): { check: Check; problem: TokenProblem } | undefined {
  for (const check of checks) {
    const found = check.find(jwt, policy, nowInSeconds);
    if (found) return { check, problem: found };
  }
  return undefined;
}

/** The first problem of a token now, and whether it will always have it. */
export function findInvalidClaim<Policy>(
  checks: readonly TokenCheck<Policy>[],
  jwt: DecodedJwt,
  policy: Policy,
): { problem: TokenProblem; permanent: boolean } | undefined {
  const found = firstProblem(checks, jwt, policy, nowInSeconds());
  return found && { problem: found.problem, permanent: found.check.permanent };
}

/**
 * The token's lifetime, with tolerance for clocks.
 *
 * @param issuer who issued it, for messages
 */
export function lifetimeChecks(issuer: string): readonly [TokenCheck<unknown>, TokenCheck<unknown>] {
  const asIssued = `Send it as ${issuer} issued it.`;
  return [
    {
      name: 'expiry',
      permanent: true,
      find: ({ claims: { exp } }, _policy, now) => {
        if (typeof exp !== 'number')
          return problem('no_expiry', `The access token has no expiry time (exp). ${asIssued}`);
        return now < exp + clockSkewInSeconds
          ? undefined
          : problem(
              'token_expired',
              `The access token expired at ${iso(exp)}. Get a new one from ${issuer}.`,
            );
      },
    },
    {
      name: 'start',
      permanent: false,
      find: ({ claims: { nbf, exp } }, _policy, now) => {
        if (nbf === undefined) return undefined;
        if (typeof nbf !== 'number' || nbf >= Number(exp))
          return problem('malformed_token', `The access token has an invalid start time (nbf). ${asIssued}`);
        return nbf < now + clockSkewInSeconds
          ? undefined
          : problem(
              'token_not_yet_valid',
              `The access token is not valid before ${iso(nbf)}. Check the clocks of this server and of the client.`,
            );
      },
    },
  ];
}

export function keyIdCheck(issuer: string): TokenCheck<unknown> {
  return {
    name: 'key id',
    permanent: true,
    find: ({ header: { kid } }) =>
      typeof kid === 'string' && kid !== ''
        ? undefined
        : problem(
            'unknown_key',
            `The access token has no signing key ID (kid). Send it as ${issuer} issued it.`,
          ),
  };
}

const maxKeyIdLength = 64;

/** @param publisher whose keys were searched, such as `tenant <id>` */
export function unknownKeyProblem({ header }: DecodedJwt, publisher: string): TokenProblem {
  return problem(
    'unknown_key',
    `Signing key "${printable(String(header.kid), maxKeyIdLength)}" (kid) not found for ${publisher}. ` +
      'Check the authority that your app signs in with.',
  );
}

export const badSignatureProblem = problem(
  'bad_signature',
  'Invalid signature. Get a new access token; do not edit or truncate it.',
);

export const appOnlyProblem = problem(
  'app_only_token',
  'This is an app-only token. Sign in a user and send a delegated access token.',
);

export function missingScopeProblem(requiredScope: string, scopeToRequest: string): TokenProblem {
  return problem(
    'insufficient_scope',
    `The access token lacks the delegated scope ${requiredScope}. Request ${scopeToRequest}.`,
  );
}

/** @param setting that the operator can add the client id to */
export function clientNotAllowedProblem(setting: string): TokenProblem {
  return problem(
    'client_not_allowed',
    `The client application of the access token is not allowed to call this API. The operator of this API can add its client ID to ${setting}.`,
  );
}

function iso(seconds: number): string {
  const milliseconds = seconds * 1_000;
  return Math.abs(milliseconds) < 8.64e15 ? new Date(milliseconds).toISOString() : 'an invalid time';
}
