import { randomBytes } from 'node:crypto';

/** A sign-in that a browser keeps in its cookie. */
export interface Session {
  userObjectId: string;
  /** The authentication context that it satisfied, if it was asked for one. */
  satisfied?: string[] | undefined;
}

/** The kinds of apps that redirect URIs are registered for. */
export type Platform = 'web' | 'spa' | 'native';

/** What an authorization code was issued for. */
export interface CodeGrant extends Session {
  clientId: string;
  redirectUri: string;
  /** The platform of the redirect URI: it decides how the code may be redeemed. */
  platform: Platform;
  scope: string;
  nonce?: string | undefined;
  codeChallenge?: string | undefined;
  expiresAt: number;
  redeemed: boolean;
}

const maxSessions = 10_000;
const maxCodes = 10_000;

/** The signed-in users, and the codes that are not redeemed yet. */
export class SignIns {
  readonly #sessions = new Map<string, Session>();
  readonly #codes = new Map<string, CodeGrant>();

  startSession(session: Session): string {
    return remember(this.#sessions, session, maxSessions);
  }

  session(id: string | undefined): Session | undefined {
    return id === undefined ? undefined : this.#sessions.get(id);
  }

  endSession(id: string | undefined): void {
    if (id !== undefined) this.#sessions.delete(id);
  }

  addCode(grant: CodeGrant): string {
    return remember(this.#codes, grant, maxCodes);
  }

  code(code: string): CodeGrant | undefined {
    return this.#codes.get(code);
  }

  clear(): void {
    this.#sessions.clear();
    this.#codes.clear();
  }
}

/** Stores the value under a random key; removes the oldest entry if the map is full. */
export function remember<T>(map: Map<string, T>, value: T, maxSize: number): string {
  const [oldest] = map.keys();
  if (map.size >= maxSize && oldest !== undefined) map.delete(oldest);
  const name = randomBytes(32).toString('base64url');
  map.set(name, value);
  return name;
}
