import type { Log } from '../../log';
import type { ClientCredentialConfig } from '../../config/credentials';
import { decodeJwt } from '../../authentication/jwt';
import { UpstreamError } from '../../resilience/upstreamError';
import type { Timings } from '../../timings';
import { createManagedIdentityCredential } from '../managedIdentity';
import { createReloadedFile } from './reloadedFile';

/** A token of another issuer that authenticates the application. */
export interface Assertion {
  readonly token: string;
  readonly expiresOnTimestamp: number;
}

export interface AssertionSource {
  readonly setting: 'AZURE_CLIENT_ASSERTION' | 'AZURE_FEDERATED_TOKEN_FILE';
  /** Whether an assertion is reused until shortly before it expires. */
  readonly isReused: boolean;
  /** Throws UpstreamError. */
  readonly next: () => Promise<Assertion>;
}

type ManagedIdentityConfig = Extract<ClientCredentialConfig, { kind: 'managed_identity' }>;

/** The managed identity's token for the exchange. */
export function managedIdentityAssertions(
  { clientId, audience }: ManagedIdentityConfig,
  { attemptInMs }: Pick<Timings['upstream'], 'attemptInMs'>,
): AssertionSource {
  const credential = createManagedIdentityCredential({ clientId, timeLimitInMs: attemptInMs });
  return {
    setting: 'AZURE_CLIENT_ASSERTION',
    isReused: true,
    next: async () => {
      const token = await credential.getToken(`${audience}/.default`);
      if (token) return token;
      throw new UpstreamError('Azure managed identity', 'get token', {
        transportFailure: 'invalid_response',
      });
    },
  };
}

/** The token that Kubernetes writes to a file and renews long before it expires. Read each time, so that a new one is used at once. */
export function tokenFileAssertions(
  path: string,
  { timings, log }: { timings: Pick<Timings['upstream'], 'attemptInMs'>; log?: Log | undefined },
): AssertionSource {
  const file = createReloadedFile({
    path,
    setting: 'AZURE_FEDERATED_TOKEN_FILE',
    parse: parseToken,
    timeLimitInMs: timings.attemptInMs,
    log,
  });
  // Handled like an issuer that cannot be reached: no call has been made, and Kubernetes is expected to write a new token.
  const unavailable = (cause: unknown) =>
    new UpstreamError(
      'Azure managed identity',
      'read federated token file',
      { transportFailure: 'connect_failed' },
      cause,
    );
  return {
    setting: 'AZURE_FEDERATED_TOKEN_FILE',
    isReused: false,
    next: async () => {
      const assertion = await file.current().catch((error: unknown) => {
        throw unavailable(error);
      });
      if (assertion.expiresOnTimestamp > Date.now()) return assertion;
      throw unavailable(new Error('the token in the file has expired'));
    },
  };
}

function parseToken(text: string): Assertion {
  const token = text.trim();
  const { exp } = decodeJwt(token)?.claims ?? {};
  if (typeof exp !== 'number') throw new Error('the file has no JSON Web Token with an expiry');
  return { token, expiresOnTimestamp: exp * 1_000 };
}
