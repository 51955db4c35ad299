import { clockSkewInSeconds } from '../../src/authentication/tokenChecks';
import type { AccessTokenOptions } from '../../emulator/startEmulator';
import { fakeDate } from '../support/clock';
import { testProviders } from '../support/providers';
import { startReadyServer, startReadySystem } from '../support/readySystem';
import type { System, TestServer } from '../support/startSystem';
import { until } from '../support/until';

let system: System;
beforeAll(async () => (system = await startReadySystem()));
afterEach(() => {
  jest.useRealTimers();
  system.emulator.reset();
});
afterAll(() => system.stop());

const external = testProviders.filter(({ kind }) => kind === 'external_id');

describe.each([
  {
    kind: 'entra',
    keys: 'entra.keys',
    settings: () => ({}),
    tenant: () => system.emulator as Issuer,
  },
  ...external.map((provider) => ({
    kind: provider.kind,
    keys: `${provider.operations}.keys`,
    settings: () => ({ IDENTITY_STORE: 'acs', ...provider.settings(system.emulator) }),
    tenant: (): Issuer => provider.tenant(system.emulator),
  })),
])('the lifetime of a token of $kind', ({ keys, settings, tenant }) => {
  let server: TestServer;
  beforeAll(async () => (server = await startReadyServer(system, settings())));

  it('begins in whole seconds', async () => {
    fakeDate();
    const second = Math.floor(Date.now() / 1_000);
    jest.setSystemTime(second * 1_000 + 500);
    const outcomes = [];
    for (const start of [second + clockSkewInSeconds, second + clockSkewInSeconds - 1]) {
      const accessToken = tenant().accessToken({ claims: { nbf: start } });
      outcomes.push(outcomeOf(await server.call('get', '/getToken', accessToken)));
    }
    expect(outcomes).toEqual(['401 token_not_yet_valid', '200']);
  });

  it('may end while the key is loaded', async () => {
    const { emulator } = system;
    const clock = fakeDate();
    tenant().rotateKeys();
    const end = Math.floor(Date.now() / 1_000) - clockSkewInSeconds + 60;
    const accessToken = tenant().accessToken({ claims: { nbf: end - 3_600, exp: end } });
    emulator.delay(keys, 1_000);
    const before = emulator.callsTo(keys);
    const reply = server.call('get', '/getToken', accessToken).then((response) => response);
    await until(() => emulator.callsTo(keys) > before);
    clock.advance(61_000);
    expect(outcomeOf(await reply)).toBe('401 token_expired');
  });
});

function outcomeOf({ status, body }: { status: number; body: ErrorBody }): string {
  return [status, body.error?.innererror?.code].filter((part) => part !== undefined).join(' ');
}

interface ErrorBody {
  error?: { innererror?: { code: string } };
}

interface Issuer {
  accessToken(options: AccessTokenOptions): string;
  rotateKeys(): void;
}
