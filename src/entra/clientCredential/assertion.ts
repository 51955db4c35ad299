import { decodeJwt, stringClaim } from '../../authentication/jwt';
import { withSignal } from '../../resilience/deadline';
import { createUpstream } from '../../resilience/upstream';
import type { ClientCredential, ClientCredentialOptions } from './clientCredential';

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

/** An assertion is renewed when less than this is left. If that fails, the old one stays in use. */
const renewalInMs = 5 * 60_000;
const minRemainingInMs = 30_000;

/** An assertion that Entra ID accepts because of a federated credential of the registration. */
export function createAssertionCredential(
  { setting, isReused, next }: AssertionSource,
  { timings, log, telemetry }: ClientCredentialOptions,
): ClientCredential {
  const upstream = createUpstream({ name: 'Azure managed identity', timings, log, telemetry });
  let last: Assertion | undefined;
  let fetching: Promise<Assertion> | undefined;
  const isUsable = (remainingInMs: number) =>
    last !== undefined && last.expiresOnTimestamp - Date.now() > remainingInMs;

  /** Concurrent callers share one request. */
  const fetchNext = () => (fetching ??= next().finally(() => (fetching = undefined)));

  return {
    async forMsal(deadline) {
      if (!isReused || !isUsable(renewalInMs)) {
        try {
          last = await upstream.call(
            'get client assertion',
            {
              deadline,
              retryOn: 'any_failure',
              describe: () => ({ transportFailure: 'invalid_response' }),
            },
            (signal) => withSignal(fetchNext(), signal),
          );
        } catch (error) {
          if (!isUsable(minRemainingInMs)) throw error;
        }
      }
      const { token = '' } = last ?? {};
      return { clientAssertion: token };
    },
    describe: () => ({ setting, ...describeAssertion(last?.token) }),
  };
}

/** What a federated credential is compared with. */
function describeAssertion(token: string | undefined) {
  const jwt = decodeJwt(token ?? '');
  if (!jwt) return {};
  const { aud } = jwt.claims;
  const audience: unknown = Array.isArray(aud) ? aud[0] : aud;
  return {
    issuer: stringClaim(jwt, 'iss'),
    subject: stringClaim(jwt, 'sub'),
    audience: typeof audience === 'string' ? audience : undefined,
  };
}
