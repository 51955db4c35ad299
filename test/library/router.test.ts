import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import express, { type ErrorRequestHandler, type Express } from 'express';
import request from 'supertest';
import { type Emulator, startEmulator } from '../../emulator/startEmulator';
import { type CommunicationAuth, createCommunicationAuth, type LogEntry } from '../../src';
import { expectCommonHeaders, expectError } from '../support/responses';
import { graphOptionsOf } from '../support/hostApp';
import { mappingOf } from '../support/mappings';
import { until } from '../support/until';

interface Entry {
  level: string;
  fields: Readonly<Record<string, unknown>>;
  message: string;
}

let emulator: Emulator;
let auth: CommunicationAuth;
const entries: Entry[] = [];
const entry =
  (level: string): LogEntry =>
  (fields, message) =>
    void entries.push({ level, fields, message });
const logger = { debug: entry('debug'), info: entry('info'), warn: entry('warn'), error: entry('error') };

beforeAll(async () => {
  emulator = await startEmulator();
  auth = createCommunicationAuth({ ...graphOptionsOf(emulator), logger });
  await auth.ready();
});
afterAll(async () => {
  await auth.stop();
  await emulator.stop();
});
afterEach(() => void entries.splice(0));

const bearer = () => `Bearer ${emulator.accessToken({ user: emulator.addUser() })}`;

/** Express sends x-powered-by unless the host disables it. */
const newHost = () => express().disable('x-powered-by');

/** A host with routes, a 404 and errors of its own, and the router before or after them. */
function createHost(mountPath: string): Express {
  const host = newHost();
  host.use(express.json(), express.urlencoded(), express.text());
  host.use(mountPath, auth.router);
  host.get('/hello', (_request, response) => void response.send('hello'));
  host.get('/fails', () => {
    throw new Error('of the host');
  });
  host.use((_request, response) => void response.status(404).send('the 404 of the host'));
  const handleError: ErrorRequestHandler = (_error, _request, response, _next) =>
    void response.status(418).send('the error of the host');
  host.use(handleError);
  return host;
}

describe.each([
  ['under a prefix', '/acs', '/acs'],
  ['under a prefix with a parameter', '/:app/acs', '/web/acs'],
  ['at the root', '/', ''],
])('a router that is mounted %s', (_name, mountPath, prefix) => {
  let host: Express;
  beforeAll(() => (host = createHost(mountPath)));

  it.each([
    ['get', '/getToken', 200],
    ['post', '/api/token', 200],
    ['post', '/api/user', 201],
    ['delete', '/deleteUser', 204],
  ] as const)('serves %s %s', async (method, path, status) => {
    const reply = await request(host)[method](`${prefix}${path}`).set('Authorization', bearer());
    expect(reply.status).toBe(status);
    expectCommonHeaders(reply);
  });

  it('reads a body that the host has parsed', async () => {
    const reply = await request(host)
      .post(`${prefix}/exchangeToken`)
      .set('Authorization', `Bearer ${emulator.accessToken({ user: 'carol' })}`)
      .send({ teamsUserAadToken: emulator.teamsToken() });
    expect({ status: reply.status, body: reply.body }).toMatchObject({ status: 200 });
  });

  it('responds to its own errors', async () => {
    const missing = await request(host).get(`${prefix}/getToken`);
    expect({ status: missing.status, code: missing.headers['x-ms-error-code'] }).toEqual({
      status: 401,
      code: 'missing_token',
    });
    expectError(await request(host).put(`${prefix}/api/user`), {
      status: 405,
      code: 'method_not_allowed',
      documented: false,
      allow: 'GET, POST, DELETE',
    });
  });

  it('logs its path with the prefix', async () => {
    await request(host).get(`${prefix}/api/user?secret=1`);
    expect(entries.map(({ fields }) => fields)).toMatchObject([{ path: `${prefix}/api/user`, status: 401 }]);
  });

  it.each([
    ['/hello', 200, 'hello'],
    ['/fails', 418, 'the error of the host'],
    ['/unknown', 404, 'the 404 of the host'],
    ['/acs/unknown', 404, 'the 404 of the host'],
    ['/health/live', 404, 'the 404 of the host'],
    ['/docs', 404, 'the 404 of the host'],
  ])('leaves %s to the host', async (path, status, text) => {
    const reply = await request(host).get(path);
    expect({ status: reply.status, text: reply.text }).toEqual({ status, text });
    expect(
      Object.keys(reply.headers).filter((name) => /^x-ms|^cache-control|^content-sec/.test(name)),
    ).toEqual([]);
    expect(entries).toEqual([]);
  });

  it('leaves a body that the host cannot parse to the host', async () => {
    const reply = await request(host).post(`${prefix}/exchangeToken`).type('json').send('{');
    expect({ status: reply.status, text: reply.text }).toEqual({
      status: 418,
      text: 'the error of the host',
    });
  });
});

describe('the logger of the app', () => {
  it('gets errors without secrets', async () => {
    emulator.fail({ operation: 'acs.identity.create', kind: 'status', status: 401 });
    const authorization = bearer();
    const reply = await request(createHost('/')).get('/getToken').set('Authorization', authorization);
    expect(reply.status).toBe(502);
    expect(entries.map(({ level }) => level)).toContain('error');
    const text = JSON.stringify(entries);
    for (const secret of [authorization.slice('Bearer '.length), ...Object.values(secretsOf(emulator))])
      expect(text).not.toContain(secret);
  });
});

it('serves requests while the logger of the app throws', async () => {
  const fail = () => {
    throw new Error('of the logger');
  };
  const failing = { debug: fail, info: fail, warn: fail, error: fail };
  const own = createCommunicationAuth({ ...graphOptionsOf(emulator), logger: failing });
  const reply = await request(newHost().use(own.router)).get('/getToken').set('Authorization', bearer());
  expect(reply.status).toBe(200);
  await own.ready();
  await own.stop();
});

function secretsOf(of: Emulator): string[] {
  const { AZURE_CLIENT_SECRET = '', IDENTITY_MAPPING_KEY = '' } = of.settings();
  return [AZURE_CLIENT_SECRET, IDENTITY_MAPPING_KEY];
}

describe('two of them in one process', () => {
  it('do not touch each other', async () => {
    const otherEmulator = await startEmulator();
    const other = createCommunicationAuth(graphOptionsOf(otherEmulator));
    await other.ready();
    const host = newHost().use('/one', auth.router).use('/two', other.router);
    const ofFirst = bearer();
    const ofSecond = `Bearer ${otherEmulator.accessToken({ user: otherEmulator.addUser() })}`;
    const call = async (path: string, authorization: string) =>
      (await request(host).get(path).set('Authorization', authorization)).status;
    expect(await call('/one/getToken', ofFirst)).toBe(200);
    expect(await call('/two/getToken', ofSecond)).toBe(200);
    expect(await call('/one/getToken', ofSecond)).toBe(401);
    expect(await call('/two/getToken', ofFirst)).toBe(401);
    await other.stop();
    await otherEmulator.stop();
    expect(await call('/one/getToken', bearer())).toBe(200);
    expect([auth.isReady(), other.isReady()]).toEqual([true, false]);
  });
});

describe('the life cycle', () => {
  it('serves requests that arrive before the parts are loaded', async () => {
    const own = createCommunicationAuth(graphOptionsOf(emulator));
    const reply = await request(newHost().use(own.router)).get('/getToken').set('Authorization', bearer());
    expect(reply.status).toBe(200);
    await own.stop();
    await own.stop();
  });

  it('rejects ready() if a certificate cannot be used, and leaves the other routes to the host', async () => {
    const { store, ...options } = graphOptionsOf(emulator);
    const own = createCommunicationAuth({
      ...options,
      store: { ...store, clientSecret: undefined, clientCertificatePath: '/absent.pem' } as typeof store,
      logger,
    });
    const message = expect.stringMatching(
      /^store\.clientCertificatePath cannot be used: .*\/absent\.pem/,
    ) as unknown;
    await expect(own.ready()).rejects.toMatchObject({ message });
    expect(entries).toMatchObject([{ level: 'error', fields: { err: { message } } }]);
    const host = newHost().use(own.router);
    host.get('/hello', (_request, response) => void response.send('hello'));
    expectError(await request(host).get('/getToken'), {
      status: 500,
      code: 'internal_error',
      documented: false,
    });
    expect((await request(host).get('/hello')).text).toBe('hello');
    expect(own.isReady()).toBe(false);
    await own.stop();
  });

  it('completes a creation whose client has disconnected before it is stopped', async () => {
    const own = createCommunicationAuth(graphOptionsOf(emulator));
    await own.ready();
    const server = newHost().use(own.router).listen(0, '127.0.0.1');
    await once(server, 'listening');
    emulator.delay('acs.identity.create', 500);
    const creations = emulator.callsTo('acs.identity.create');
    const user = emulator.addUser();
    const client = new AbortController();
    const call = fetch(`http://127.0.0.1:${(server.address() as AddressInfo).port}/getToken`, {
      headers: { Authorization: `Bearer ${emulator.accessToken({ user })}` },
      signal: client.signal,
    });
    const disconnected = expect(call).rejects.toThrow();
    await until(() => emulator.callsTo('acs.identity.create') > creations);
    client.abort();
    await disconnected;
    await new Promise((resolve) => server.close(resolve));
    await own.stop();
    emulator.clearFaults();
    expect(mappingOf(emulator, user)).toBeDefined();
  });

  it('rejects ready() when it is stopped before', async () => {
    const own = createCommunicationAuth(graphOptionsOf(emulator));
    const ready = own.ready();
    await own.stop();
    await expect(ready).rejects.toThrow('stopped');
  });
});
