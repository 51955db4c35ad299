import { clientIdOf, type DecodedJwt, stringClaim } from '../../authentication/jwt';
import { describeCheck, teamsTokenChecks, type TeamsTokenPolicy } from '../../tokens/teamsTokenChecks';
import { errorCodes } from '../../errors';
import { type Check, ok, problem, type Result, skipped, warning } from '../check';
import { printable } from '../report';
import type { EntraDoctorContext } from '../context';
import { type PastedToken, summarize, time } from './describe';
import { findSignatureProblem } from './signature';

/** ACS issues a token that expires with this one, and clients renew theirs ten minutes before expiry. */
const minUsefulLifetimeInSeconds = 600;

/**
 * What the exchange's checks find in a Teams token.
 *
 * @param caller the access token that would be sent along, if one was pasted too
 */
export function createTeamsTokenCheck(
  { config, entra, authority, now }: EntraDoctorContext,
  { text, jwt }: PastedToken & { jwt: DecodedJwt },
  caller: DecodedJwt | undefined,
  label: string,
  needs: readonly Check[],
): Check {
  const { tenantId, allowedClientIds } = entra;
  const callersClient = caller && clientIdOf(caller);
  const policy: TeamsTokenPolicy = {
    tenantId: (caller && stringClaim(caller, 'tid')?.toLowerCase()) ?? tenantId,
    objectId: (caller && stringClaim(caller, 'oid')?.toLowerCase()) ?? '',
    audience: config.communication.teamsAudience,
    clientIds: callersClient === undefined ? allowedClientIds : [callersClient, ...allowedClientIds],
  };

  function explain(check: (typeof teamsTokenChecks)[number], seconds: number): Result {
    const { code, passes } = check;
    const { name, value, needsCaller } = subjects[code] ?? { name: code, value: () => '' };
    const passed = passes(jwt, policy, seconds);
    const result =
      !passed && needsCaller && !caller
        ? skipped(
            `${value(jwt)}: must match the access token that it is sent with. Paste both to compare them`,
          )
        : passed
          ? ok(value(jwt))
          : problem(`${describeCheck(check, policy)} The server responds with ${errorCodes[code]} ${code}.`);
    return { ...result, name: `${label}, ${name}` };
  }

  return {
    name: label,
    group: 'Token',
    needs,
    async run() {
      const seconds = now() / 1_000;
      const signature = await findSignatureProblem(text, jwt, authority);
      return [
        ok(summarize(jwt)),
        ...teamsTokenChecks.map((check) => explain(check, seconds)),
        { ...checkLifetime(jwt, seconds), name: `${label}, lifetime` },
        { ...checkScopes(jwt, policy.audience), name: `${label}, scopes` },
        {
          ...(signature
            ? problem(
                `${signature.message.replace('access token', 'Teams token')} Communication Services will reject it.`,
              )
            : ok('made with a key of the tenant')),
          name: `${label}, signature`,
        },
      ];
    },
  };
}

const subjects: Partial<
  Record<string, { name: string; value: (jwt: DecodedJwt) => string; needsCaller?: boolean }>
> = {
  teams_token_wrong_audience: {
    name: 'audience',
    value: ({ claims }) => `Communication Services (aud ${printable(claims.aud)})`,
  },
  teams_token_expired: { name: 'expiry', value: ({ claims }) => `valid until ${time(claims.exp)}` },
  teams_token_wrong_tenant: { name: 'tenant', value: ({ claims }) => `tid ${printable(claims.tid)}` },
  teams_token_wrong_user: {
    name: 'user',
    value: ({ claims }) => `oid ${printable(claims.oid)}`,
    needsCaller: true,
  },
  teams_token_wrong_app: {
    name: 'client application',
    value: (jwt) => printable(clientIdOf(jwt)),
    needsCaller: true,
  },
};

function checkLifetime({ claims }: DecodedJwt, seconds: number): Result {
  const left = Number(claims.exp) - seconds;
  return left > 0 && left < minUsefulLifetimeInSeconds
    ? warning(
        `expires in ${Math.floor(left / 60)} minutes, and the communication token with it`,
        'Get a new one just before the exchange.',
      )
    : ok('the communication token would expire with it');
}

/** The server leaves the scopes to ACS, which reports only that the token is not valid. */
function checkScopes({ claims }: DecodedJwt, audience: string): Result {
  const granted = typeof claims.scp === 'string' ? claims.scp.split(' ') : [];
  const wanted = ['Teams.ManageCalls', 'Teams.ManageChats'];
  if (!granted.some((scope) => wanted.includes(scope))) {
    return problem(
      'has neither Teams.ManageCalls nor Teams.ManageChats, so Communication Services will reject it',
      `Request them as ${audience}/Teams.ManageCalls and .../Teams.ManageChats.`,
    );
  }
  return ok(`scp ${printable(claims.scp)}`);
}
