/** The parameters of a `WWW-Authenticate: Bearer …` header (RFC 9110 section 11.6.1). */
export function parseChallenge(header: string | undefined): Record<string, string> {
  const [, parameters = ''] = /^Bearer\s+(.*)$/i.exec(header ?? '') ?? [];
  return Object.fromEntries(
    [...parameters.matchAll(/([\w-]+)\s*=\s*"((?:[^"\\]|\\.)*)"/g)].map(([, name = '', value = '']) => [
      name.toLowerCase(),
      value.replace(/\\(.)/g, '$1'),
    ]),
  );
}

/** The claims (JSON) that a new sign-in must satisfy; undefined if the challenge requires none. */
export function requestedClaims(header: string | undefined): string | undefined {
  const { error, claims } = parseChallenge(header);
  if (error !== 'insufficient_claims' || !claims) return undefined;
  try {
    return atob(claims);
  } catch {
    return undefined;
  }
}
