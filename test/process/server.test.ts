import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { type Emulator, startEmulator, type User } from '../../emulator/startEmulator';
import { expectOneIdentityEach, mappingOf } from '../support/mappings';
import { type ServerProcess, spawnServer, startServerProcess } from '../support/serverProcess';
import { until } from '../support/until';

let emulator: Emulator;
const running: ServerProcess[] = [];
beforeAll(async () => (emulator = await startEmulator()));
afterEach(async () => {
  await Promise.all(running.splice(0).map((server) => server.stop('SIGKILL')));
  emulator.reset();
});
afterAll(() => emulator.stop());

async function start(settings: Record<string, string> = {}): Promise<ServerProcess> {
  const server = await startServerProcess({
    ...emulator.settings(),
    NODE_ENV: 'production',
    RATE_LIMIT_USER: '0',
    TOKEN_REUSE_MINUTES: '0',
    ...settings,
  });
  running.push(server);
  return server;
}

interface TokenBody {
  user: { communicationUserId: string };
}

const getToken = (server: ServerProcess, accessToken: string) =>
  fetch(`${server.url}/getToken`, { headers: { Authorization: `Bearer ${accessToken}` } });

/** The built server has its real time limits, which a busy machine may exceed: tries again after 504, as clients are told to. */
async function getTokenInTime(server: ServerProcess, accessToken: string): Promise<Response> {
  let response: Response;
  do response = await getToken(server, accessToken);
  while (response.status === 504);
  return response;
}

describe('two processes with different lists of mapping keys', () => {
  it('keep the identities of their users through each step of a rotation', async () => {
    const [oldKey, newKey] = [randomBytes(32).toString('base64'), randomBytes(32).toString('base64')];
    // Each step of docs/settings.md, while instances of the step before are still running.
    const steps = [oldKey, `${oldKey},${newKey}`, `${newKey},${oldKey}`, newKey];
    const users = Array.from({ length: 4 }, () => emulator.accessToken({ user: emulator.addUser() }));
    const ids = new Map<string, string>();
    let previous = await start({ IDENTITY_MAPPING_KEY: oldKey });
    for (const keys of steps) {
      const next = await start({ IDENTITY_MAPPING_KEY: keys });
      for (const [index, user] of users.entries()) {
        const order = index % 2 === 0 ? [previous, next] : [next, previous];
        for (const server of order) {
          const response = await getToken(server, user);
          expect({ keys: steps.indexOf(keys), status: response.status }).toMatchObject({ status: 200 });
          const { communicationUserId } = ((await response.json()) as TokenBody).user;
          expect(ids.get(user) ?? communicationUserId).toBe(communicationUserId);
          ids.set(user, communicationUserId);
        }
      }
      await previous.stop('SIGKILL');
      previous = next;
    }
    expect(emulator.identities()).toHaveLength(users.length);
  });
});

describe('the built server', () => {
  it('does not start with missing or malformed settings, and lists them in one message without their values', async () => {
    const server = spawnServer({ AZURE_TENANT_ID: 'not-a-guid', IDENTITY_MAPPING_KEY: 'c2hvcnQ=' });
    expect(await server.exited).toBe(1);
    expect(server.errors()).toContain('5 settings are missing or malformed');
    for (const name of [
      'AZURE_TENANT_ID is malformed',
      'AZURE_CLIENT_ID is missing',
      'AZURE_CLIENT_SECRET is missing',
      'IDENTITY_MAPPING_KEY is malformed',
      'COMMUNICATION_SERVICES_CONNECTION_STRING is missing',
    ]) {
      expect(server.errors()).toContain(name);
    }
    expect(server.errors()).not.toMatch(/not-a-guid|c2hvcnQ=/);
    expect(server.errors()).not.toMatch(/^\s+at /m);
  });

  it('starts in production with settings of the public cloud, although it cannot reach it', async () => {
    const settings = {
      NODE_ENV: 'production',
      PORT: '0',
      AZURE_TENANT_ID: '11111111-1111-4111-8111-111111111111',
      AZURE_CLIENT_ID: '22222222-2222-4222-8222-222222222222',
      AZURE_CLIENT_SECRET: 'a-secret-of-the-real-cloud',
      // A host that never resolves: tests do not leave the machine.
      AZURE_AUTHORITY_HOST: 'https://login.microsoftonline.invalid',
      COMMUNICATION_SERVICES_CONNECTION_STRING: `endpoint=https://contoso.communication.azure.com/;accesskey=${'A'.repeat(86)}==`,
      IDENTITY_MAPPING_KEY: Buffer.alloc(32, 1).toString('base64'),
    };
    const server = spawnServer(settings);
    await until(() => server.output().includes('"listening"'));
    expect(await server.stop()).toBe(0);
    expect(server.output()).not.toContain(settings.AZURE_CLIENT_SECRET);
  });

  it('reports a port in use in one line', async () => {
    const other = createServer().listen(0);
    await once(other, 'listening');
    const { port } = other.address() as AddressInfo;
    const server = spawnServer({ ...emulator.settings(), PORT: String(port) });
    expect(await server.exited).toBe(1);
    expect(server.errors()).toMatch(new RegExp(`^Port ${port} is in use[^\\n]+\\n$`));
    other.close();
  });

  it('on SIGTERM completes requests in flight, is not ready meanwhile, and exits with 0', async () => {
    const server = await start();
    emulator.delay('acs.identity.create', 1_500);
    const inFlight = getToken(server, emulator.accessToken({ user: emulator.addUser() }));
    await until(() => emulator.callsTo('acs.identity.create') > 0);
    const exit = server.stop('SIGTERM');
    await until(async () => (await fetch(`${server.url}/health/ready`)).status === 503);
    expect((await inFlight).status).toBe(200);
    expect(await exit).toBe(0);
  });

  it('on SIGTERM completes the creations and deletions of clients that have disconnected', async () => {
    const server = await start();
    const [created, deleted] = [emulator.addUser(), emulator.addUser()];
    await getToken(server, emulator.accessToken({ user: deleted }));
    // Longer than the grace of a shutdown.
    for (const operation of ['acs.identity.create', 'acs.identity.delete']) {
      emulator.delay(operation, 2_500);
    }
    const creations = emulator.callsTo('acs.identity.create');
    const clients = new AbortController();
    const call = (method: string, path: string, user: User) =>
      fetch(`${server.url}${path}`, {
        method,
        headers: { Authorization: `Bearer ${emulator.accessToken({ user })}` },
        signal: clients.signal,
      });
    const disconnected = Promise.all([
      expect(call('GET', '/getToken', created)).rejects.toThrow(),
      expect(call('DELETE', '/deleteUser', deleted)).rejects.toThrow(),
    ]);
    await until(
      () =>
        emulator.callsTo('acs.identity.create') > creations && emulator.callsTo('acs.identity.delete') > 0,
    );
    clients.abort();
    await disconnected;
    expect(await server.stop('SIGTERM')).toBe(0);
    expect(expectOneIdentityEach(emulator)).toBe(1);
    expect(mappingOf(emulator, created)).toBeDefined();
    expect(server.output()).not.toContain('unfinished work');
  });

  it('on SIGTERM exits with 0 and a warning if a creation does not end', async () => {
    const server = await start();
    emulator.fail({ operation: 'acs.identity.create', kind: 'hang' });
    expect((await getToken(server, emulator.accessToken({ user: emulator.addUser() }))).status).toBe(504);
    expect(await server.stop('SIGTERM')).toBe(0);
    expect(server.output()).toMatch(/"level":"warn".*stopping with unfinished work/);
  });

  it('on SIGTERM closes the connections of busy clients without dropping a request', async () => {
    const server = await start();
    emulator.delay('acs.token.issue', 50);
    const refusals: unknown[] = [];
    const statuses = new Set<number>();
    const clients = Array.from({ length: 10 }, async () => {
      const accessToken = emulator.accessToken({ user: emulator.addUser() });
      try {
        for (;;) statuses.add((await getToken(server, accessToken)).status);
      } catch (error) {
        refusals.push(error);
      }
    });
    await until(() => emulator.callsTo('acs.token.issue') >= 50);
    expect(await server.stop('SIGTERM')).toBe(0);
    await Promise.all(clients);
    expect(refusals).toHaveLength(10);
    expect([...statuses]).toEqual([200]);
    expect(server.output()).not.toContain('"status":499');
  });

  it('logs one line of JSON per request', async () => {
    const server = await start();
    await getToken(server, emulator.accessToken({ user: emulator.addUser() }));
    await fetch(`${server.url}/unknown?access_token=${emulator.accessToken()}`);
    await server.stop();
    const lines = server.output().trim().split('\n');
    const requests = lines
      .map((line) => JSON.parse(line) as Record<string, unknown>)
      .filter(({ message }) => message === 'request');
    expect(requests.filter(({ path }) => path !== '/health/ready')).toEqual([
      expect.objectContaining({
        method: 'GET',
        path: '/getToken',
        status: 200,
        milliseconds: expect.any(Number),
      }),
      expect.objectContaining({ method: 'GET', path: '/unknown', status: 404, error: 'not_found' }),
    ]);
    expect(server.output()).not.toContain('eyJ');
  });
});

describe('two processes', () => {
  it('that serve 10 new users concurrently leave one identity per user', async () => {
    const servers = await Promise.all([start(), start()]);
    emulator.reset();
    const users = Array.from({ length: 10 }, () => emulator.addUser());
    const responses = await Promise.all(
      users.flatMap((user) =>
        servers.map((server) => getTokenInTime(server, emulator.accessToken({ user }))),
      ),
    );
    expect(responses.map(({ status }) => status)).toEqual(responses.map(() => 200));
    expect(expectOneIdentityEach(emulator)).toBe(10);
  });

  it('complete a deletion during which one of them was killed', async () => {
    const [killed, remaining] = await Promise.all([start(), start()]);
    const accessToken = emulator.accessToken({ user: emulator.addUser() });
    await getToken(killed, accessToken);
    emulator.delay('acs.identity.delete', 60_000);
    const deletion = (server: ServerProcess) =>
      fetch(`${server.url}/deleteUser`, {
        method: 'DELETE',
        headers: { Authorization: `Bearer ${accessToken}` },
      });
    const cut = deletion(killed).catch(() => undefined);
    await until(() => emulator.callsTo('acs.identity.delete') > 0);
    await killed.stop('SIGKILL');
    await cut;
    emulator.delay('acs.identity.delete', 0);
    expect((await deletion(remaining)).status).toBe(204);
    expect({ identities: emulator.identities(), mappings: emulator.mappings() }).toEqual({
      identities: [],
      mappings: [],
    });
  });
});
