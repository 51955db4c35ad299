import { isObject } from '../http/exchange';

const value = 'b0110000-0000-4000-8000-000000000007';

/** The claims that conditional access requires under the switch `requireMfaFor`: the only documented form. */
export const stepUpClaims = {
  value,
  json: JSON.stringify({ access_token: { polids: { essential: true, values: [value] } } }),
};

/**
 * The values that a `claims` parameter requires in the access token; undefined if none. A sign-in that satisfies them yields tokens with
 * these values in `acrs`.
 */
export function requestedStepUp(claims: string | null): string[] | undefined {
  if (!claims) return undefined;
  const parsed = parse(claims);
  const requested = isObject(parsed) && isObject(parsed.access_token) ? parsed.access_token : {};
  const values = ['polids', 'acrs'].flatMap((name) => valuesOf(requested[name]));
  return values.length > 0 ? values : undefined;
}

function valuesOf(request: unknown): string[] {
  if (!isObject(request)) return [];
  const values = Array.isArray(request.values) ? request.values : [request.value];
  return values.filter((candidate) => typeof candidate === 'string');
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
