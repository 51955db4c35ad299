import { decodeJwt } from '../../authentication/jwt';
import type { Log } from '../../log';
import { UpstreamError } from '../../resilience/upstreamError';
import type { Timings } from '../../timings';
import type { Assertion, AssertionSource } from './assertion';
import { createReloadedFile } from './reloadedFile';

/** The token that Kubernetes writes to a file and renews long before it expires. Read each time, so that a new one is used immediately. */
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
