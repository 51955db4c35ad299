export type Claims = Record<string, unknown>;

const anyJwt = /eyJ[\w-]+\.[\w-]+\.[\w-]*/g;

/** What a token says of itself. Its signature is for those to check who rely on it. */
export function claimsOf(token: string): Claims {
  try {
    const [, payload = ''] = token.split('.');
    return JSON.parse(fromBase64Url(payload)) as Claims;
  } catch {
    return {};
  }
}

/** When it ends, in milliseconds since 1970. */
export function endOf(token: string): number {
  const { exp } = claimsOf(token);
  return typeof exp === 'number' ? exp * 1_000 : 0;
}

/** The same token with another end; its signature no longer fits, so that no service takes it. */
export function withOtherEnd(token: string, endInMs: number): string {
  const [header = '', , signature = ''] = token.split('.');
  const claims = { ...claimsOf(token), exp: Math.floor(endInMs / 1_000) };
  return `${header}.${toBase64Url(JSON.stringify(claims))}.${signature}`;
}

export function tokensIn(text: string): string[] {
  return text.match(anyJwt) ?? [];
}

/** The text with every token in it cut down to its ends. */
export function shortenTokens(text: string): string {
  return text.replace(anyJwt, (token) => `${token.slice(0, 10)}…${token.slice(-6)}`);
}

function fromBase64Url(text: string): string {
  const bytes = Uint8Array.from(atob(text.replace(/-/g, '+').replace(/_/g, '/')), (c) => c.charCodeAt(0));
  return new TextDecoder().decode(bytes);
}

function toBase64Url(text: string): string {
  const binary = String.fromCharCode(...new TextEncoder().encode(text));
  return btoa(binary).replace(/\+/g, '-').replace(/\//g, '_').replace(/=/g, '');
}
