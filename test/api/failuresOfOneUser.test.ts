import { fastTimings } from '../support/fastTimings';
import { startReadySystem } from '../support/readySystem';
import type { System } from '../support/startSystem';

/** No pauses between retries: one user's requests fail as fast as possible. */
const upstream = { ...fastTimings.upstream, retryDelaysInMs: [1, 1], throttledRetryDelayInMs: 1 } as const;

let system: System;
const start = async (settings: Record<string, string>) =>
  (system = await startReadySystem(settings, { ...fastTimings, upstream }));
afterEach(() => system.stop());

function tokensOfNewUser() {
  const { emulator } = system;
  const user = emulator.addUser(undefined, true);
  return { access: emulator.accessToken({ user }), teams: emulator.teamsToken({ user }) };
}

type Tokens = ReturnType<typeof tokensOfNewUser>;

const getToken = ({ access }: Tokens) =>
  system.call('get', '/getToken', access).set('Cache-Control', 'no-cache');
const exchange = ({ access, teams }: Tokens) =>
  system.call('get', '/exchangeToken', access).set('teams-user-aad-token', teams);

describe.each([429, 500])('an upstream that fails for one user with %i serves the others:', (status) => {
  it.each([
    { operation: 'entra.token.on_behalf_of', send: getToken },
    { operation: 'graph.me', send: getToken },
    { operation: 'acs.token.issue', known: true, send: getToken },
    { operation: 'acs.identity.create', store: 'acs', send: getToken },
    { operation: 'acs.teams.exchange', send: exchange },
  ])('$operation', async ({ operation, store = 'graph', known = false, send }) => {
    await start({ IDENTITY_STORE: store });
    const [failing, other] = [tokensOfNewUser(), tokensOfNewUser()];
    if (known) await send(failing).expect(200);
    system.emulator.fail({ operation, times: Infinity, kind: 'status', status });
    for (let count = 0; count < 30; count += 1) await send(failing).expect(503);
    expect(system.emulator.callsTo(operation)).toBeGreaterThan(25);
    system.emulator.clearFaults();
    await send(other).expect(200);
  });
});
