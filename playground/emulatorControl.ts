import type { FailureName, UpstreamCall } from './failures';

/** The few controls of the emulator that the page needs. */
export interface EmulatorControl {
  /** The calls that carry this request id; without one, all since a time. */
  calls(filter: { requestId: string } | { since: number }): Promise<UpstreamCall[]>;
  /** Simulates a failure for one user, after ending any other. Resolves to an access token if the failure is a bad token. */
  simulate(failure: FailureName, userObjectId: string): Promise<{ accessToken?: string }>;
  /** Ends all of it. */
  end(): Promise<void>;
}

/** Longer than the server's limit for one attempt (4 s), so that a slow service counts as one that does not respond. */
const slownessInMs = 5_000;
const retryAfterInSeconds = '30';

export function createEmulatorControl(emulatorUrl: string): EmulatorControl {
  async function send(method: string, path: string, body?: unknown): Promise<unknown> {
    const response = await fetch(`${emulatorUrl}/_emulator/${path}`, {
      method,
      ...(body === undefined
        ? {}
        : { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`The emulator responded to ${method} ${path} with ${response.status}.`);
    return text === '' ? undefined : JSON.parse(text);
  }

  const setSwitches = (switches: Record<string, unknown>) => send('PUT', 'switches', switches);
  const fail = (operation: string, status: number, headers = {}) =>
    send('POST', 'fail', { operation, kind: 'status', status, headers, times: 'always' });

  const simulations: Record<FailureName, (user: string) => Promise<unknown>> = {
    mfa: (user) => setSwitches({ requireMfaFor: [user] }),
    consent: (user) => setSwitches({ consentRequiredFor: [user] }),
    graphDown: () => fail('graph', 503),
    slowAcs: () => send('POST', 'delay', { operation: 'acs', milliseconds: slownessInMs }),
    throttled: () => fail('acs', 429, { 'retry-after': retryAfterInSeconds }),
    newKeys: () => send('POST', 'rotate-keys', {}),
    expiredToken: (user) => send('POST', 'token', { user, defect: 'expired' }),
    noTeamsLicense: (user) => setSwitches({ teamsLicenceWithdrawnFrom: [user] }),
  };

  async function end(): Promise<void> {
    await Promise.all([
      send('DELETE', 'fail'),
      setSwitches({ requireMfaFor: [], consentRequiredFor: [], teamsLicenceWithdrawnFrom: [] }),
    ]);
  }

  return {
    async calls(filter) {
      const query =
        'since' in filter
          ? `since=${filter.since}`
          : `clientRequestId=${encodeURIComponent(filter.requestId)}`;
      const calls = (await send('GET', `requests?${query}`)) as UpstreamCall[];
      return calls.map(({ operation, status, startedAt, milliseconds }) => ({
        operation,
        status,
        startedAt,
        ...(milliseconds === undefined ? {} : { milliseconds }),
      }));
    },
    async simulate(failure, userObjectId) {
      await end();
      const { accessToken } = ((await simulations[failure](userObjectId)) ?? {}) as { accessToken?: string };
      return accessToken === undefined ? {} : { accessToken };
    },
    end,
  };
}

/** The authority's metadata: this process trusts the emulator, before the user's browser does. */
export async function loadMetadata(authority: string): Promise<string> {
  const response = await fetch(`${authority}/v2.0/.well-known/openid-configuration`);
  if (!response.ok) throw new Error(`No metadata at ${authority}.`);
  return await response.text();
}
