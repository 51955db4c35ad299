import { cloudNames, clouds } from '../../config/clouds';
import { teamsTokenChecks } from '../../tokens/teamsTokenChecks';
import { clientIdOf, type DecodedJwt, decodeJwt, stringClaim } from '../../authentication/jwt';
import { oidcClientIdOf } from '../../authentication/oidc/accessTokenChecks';
import { printable } from '../report';

/** A pasted text, and what it appears to be. */
export interface PastedToken {
  readonly text: string;
  readonly jwt: DecodedJwt | undefined;
  readonly kind: 'access token' | 'Teams token' | 'communication token';
}

export function readPasted(text: string): PastedToken {
  const jwt = decodeJwt(text);
  return { text, jwt, kind: jwt ? kindOf(jwt) : 'access token' };
}

function kindOf(jwt: DecodedJwt): PastedToken['kind'] {
  if (jwt.claims.skypeid !== undefined && jwt.claims.aud === undefined) return 'communication token';
  const check = teamsTokenChecks.find(({ code }) => code === 'teams_token_wrong_audience');
  const forTeams = cloudNames.some((name) => {
    const policy = { tenantId: '', objectId: '', clientIds: [], audience: clouds[name].teamsAudience };
    return check?.passes(jwt, policy, 0) ?? false;
  });
  return forTeams ? 'Teams token' : 'access token';
}

/** Why a pasted text is not a JSON Web Token. */
export function describeNonJwt(text: string): string | undefined {
  if (/^[01]\.A/.test(text))
    return 'It looks like an authorization code or a refresh token: redeem it at the token endpoint, and paste the access_token of the response.';
  if (text.split('.').length === 5)
    return 'It looks encrypted: only the API that it was issued for can read it. Paste the one issued for this API.';
  if (text.startsWith('eyJ')) return 'It looks cut off: paste all three parts, with the dots between them.';
  return 'Paste the value of access_token from the response of the token endpoint: three parts with dots between them, beginning with eyJ.';
}

/** What the token says about itself, without personal data. `userClaim`: what identifies the user at the server. */
export function summarize(jwt: DecodedJwt, userClaim = 'oid'): string {
  const { ver } = jwt.claims;
  return [
    // Providers other than Microsoft have no versions of tokens.
    ...(ver === undefined && userClaim !== 'oid' ? [] : [`version ${printable(ver)}`]),
    `user ${printable(stringClaim(jwt, userClaim))}`,
    `client application ${printable(clientIdOf(jwt) ?? oidcClientIdOf(jwt))}`,
    `issued ${time(jwt.claims.iat)}`,
    `expires ${time(jwt.claims.exp)}`,
  ].join(', ');
}

export function time(seconds: unknown): string {
  const milliseconds = typeof seconds === 'number' ? seconds * 1_000 : NaN;
  return Math.abs(milliseconds) < 8.64e15 ? new Date(milliseconds).toISOString() : 'at an unknown time';
}
