export type Claims = Record<string, unknown>;

const anyJwt = /eyJ[\w-]+\.[\w-]+\.[\w-]*/g;

/** The claims of a token; its signature is not verified. */
export function claimsOf(token: string): Claims {
  try {
    const [, payload = ''] = token.split('.');
    return JSON.parse(fromBase64Url(payload)) as Claims;
  } catch {
    return {};
  }
}

/** The expiry, in milliseconds since 1970. */
export function expiryOf(token: string): number {
  const { exp } = claimsOf(token);
  return typeof exp === 'number' ? exp * 1_000 : 0;
}

/** The same token with another expiry. Its signature is then invalid, so no service accepts it. */
export function withExpiry(token: string, expiryInMs: number): string {
  const [header = '', , signature = ''] = token.split('.');
  const claims = { ...claimsOf(token), exp: Math.floor(expiryInMs / 1_000) };
  return `${header}.${toBase64Url(JSON.stringify(claims))}.${signature}`;
}

export function tokensIn(text: string): string[] {
  return text.match(anyJwt) ?? [];
}

/** Shortens every token in the text to its first and last characters. */
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
