import { type Emulator, startEmulator } from '../../emulator/startEmulator';
import { type FrontEnd, startFrontEnd } from '../support/appServiceFrontEnd';
import { type ServerProcess, startServerProcess } from '../support/serverProcess';
import { until } from '../support/until';

let emulator: Emulator;
let frontEnd: FrontEnd;
const running: ServerProcess[] = [];
beforeAll(async () => (emulator = await startEmulator()));
beforeEach(async () => {
  frontEnd = await startFrontEnd({ host: 'acs-auth.azurewebsites.net', idleLimitInMs: 20_000 });
});
afterEach(async () => {
  await Promise.all(running.splice(0).map((instance) => instance.stop('SIGKILL')));
  await frontEnd.stop();
  emulator.reset();
});
afterAll(() => emulator.stop());

/** The settings of an instance in the environment of App Service. */
const instanceSettings = (settings: Record<string, string>) => ({
  ...emulator.settings(),
  NODE_ENV: 'production',
  WEBSITE_SITE_NAME: 'acs-auth',
  RATE_LIMIT_USER: '0',
  TOKEN_REUSE_MINUTES: '0',
  ...settings,
});

/** It is stopped after the test. */
async function startInstance(settings: Record<string, string> = {}): Promise<ServerProcess> {
  const instance = await startServerProcess(instanceSettings(settings));
  running.push(instance);
  return instance;
}

const bearer = (accessToken: string) => ({ Authorization: `Bearer ${accessToken}` });
const newUser = () => bearer(emulator.accessToken({ user: emulator.addUser() }));

describe('rate limits behind the front end', () => {
  const rejectionsAMinute = 3;
  let instance: ServerProcess;
  beforeAll(async () => {
    const settings = instanceSettings({ RATE_LIMIT_REJECTED: String(rejectionsAMinute) });
    instance = await startServerProcess(settings);
  });
  beforeEach(() => frontEnd.routeTo(instance.url));
  afterAll(() => instance.stop('SIGKILL'));

  it.each([
    ['an IPv4 client', (port: number) => `203.0.113.7:${port}`, '203.0.113.8:1000'],
    ['an IPv6 client', (port: number) => `[2001:db8:1::7]:${port}`, '[2001:db8:2::7]:1000'],
    [
      'an IPv6 client that uses several addresses of its network',
      (port: number) => `[2001:db8:3::${port}]:${port}`,
      '[2001:db8:4::7]:1000',
    ],
  ])(
    'count the rejected requests of %s together, whatever its port, and not those of others',
    async (_name, client, other) => {
      const statuses: number[] = [];
      for (let port = 1_000; port <= 1_000 + rejectionsAMinute; port++) {
        statuses.push((await frontEnd.fetchFrom(client(port), '/getToken')).status);
      }
      expect(statuses).toEqual([401, 401, 401, 429]);
      expect((await frontEnd.fetchFrom(other, '/getToken')).status).toBe(401);
    },
  );

  it('are not evaded by an X-Forwarded-For that the client sends itself', async () => {
    const statuses: number[] = [];
    for (let index = 0; index <= rejectionsAMinute; index++) {
      const forged = { 'X-Forwarded-For': `192.0.2.${index}` };
      statuses.push((await frontEnd.fetchFrom('203.0.113.9:1000', '/getToken', forged)).status);
    }
    expect(statuses).toEqual([401, 401, 401, 429]);
  });
});

describe('an instance behind the front end', () => {
  it('responds to the pings of the health check and of Always On, without a token and without a redirect', async () => {
    frontEnd.routeTo((await startInstance({ RATE_LIMIT_REJECTED: '1' })).url);
    const pings: [string, string, number][] = [
      ['HealthCheck/1.0', '/health/ready', 200],
      ['ReadyForRequest/1.0 (HealthCheck)', '/health/ready', 200],
      ['AlwaysOn', '/', 200],
      ['HealthCheck/1.0', '/robots933456.txt', 404],
      ['Mozilla/5.0', '/getToken', 401],
      // The limit on rejected requests is reached now.
      ['HealthCheck/1.0', '/health/ready', 200],
      ['AlwaysOn', '/', 200],
    ];
    for (const [agent, path, status] of pings) {
      const response = await frontEnd.fetchFrom('127.0.0.1:40000', path, { 'User-Agent': agent });
      expect([agent, path, response.status]).toEqual([agent, path, status]);
    }
    expect((await frontEnd.fetchFrom('203.0.113.7:1000', '/getToken', newUser())).status).toBe(200);
  });

  it('keeps an idle connection longer than the front end does, and continues after the front end closes it', async () => {
    const idleLimitInMs = 300;
    const closingFrontEnd = await startFrontEnd({ host: 'acs-auth.azurewebsites.net', idleLimitInMs });
    try {
      const { url } = await startInstance();
      closingFrontEnd.routeTo(url);
      const keepAlive = (await fetch(`${url}/health/live`)).headers.get('keep-alive');
      expect(Number(/timeout=(\d+)/.exec(keepAlive ?? '')?.[1])).toBeGreaterThan(230);
      for (let index = 0; index < 3; index++) {
        expect((await closingFrontEnd.fetchFrom('203.0.113.7:1000', '/health/live')).status).toBe(200);
        await new Promise((resolve) => setTimeout(resolve, 2 * idleLimitInMs));
      }
    } finally {
      await closingFrontEnd.stop();
    }
  });

  it('finishes its requests after SIGTERM and ends before SIGKILL would follow', async () => {
    const instance = await startInstance();
    frontEnd.routeTo(instance.url);
    emulator.delay('acs.identity.create', 2_000);
    const inFlight = frontEnd.fetchFrom('203.0.113.7:1000', '/getToken', newUser());
    await until(() => emulator.callsTo('acs.identity.create') > 0);
    const exit = instance.stop('SIGTERM');
    const kill = setTimeout(() => void instance.stop('SIGKILL'), 20_000);
    expect((await inFlight).status).toBe(200);
    expect(await exit).toBe(0);
    clearTimeout(kill);
  });
});

describe('a swap of slots', () => {
  it('loses no request under load: the new instance is ready before it gets any, the old one finishes its own', async () => {
    const old = await startInstance();
    frontEnd.routeTo(old.url);
    emulator.delay('acs.token.issue', 20);
    const statuses: number[] = [];
    let swapped = 0;
    let loading = true;
    const clients = Array.from({ length: 8 }, async (_, index) => {
      const headers = newUser();
      while (loading) {
        statuses.push((await frontEnd.fetchFrom(`203.0.113.${index}:1000`, '/getToken', headers)).status);
        if (swapped > 0) swapped++;
      }
    });
    await until(() => statuses.length >= 40);

    const replacement = await startInstance();
    frontEnd.routeTo(replacement.url);
    swapped = 1;
    const exit = old.stop('SIGTERM');
    await until(() => swapped > 80);
    loading = false;
    await Promise.all(clients);

    expect(new Set(statuses)).toEqual(new Set([200]));
    expect(await exit).toBe(0);
    expect(replacement.output()).toContain('"path":"/getToken"');
  });
});
