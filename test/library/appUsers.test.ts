import { EventEmitter, once } from 'node:events';
import express, { type Express } from 'express';
import request, { type Test } from 'supertest';
import { type Emulator, startEmulator } from '../../emulator/startEmulator';
import { type AppUser, type CommunicationAuth, createCommunicationAuth } from '../../src';
import { defaultTimings } from '../../src/timings';
import { expectCommonHeaders, expectError } from '../support/responses';
import { acsOptionsOf } from '../support/hostApp';

let emulator: Emulator;
let auth: CommunicationAuth;
let host: Express;
const entries: { fields: object; message: string }[] = [];
const log = (fields: object, message: string) => void entries.push({ fields, message });
/** Of the app's session store. */
const sessions = new EventEmitter();
beforeAll(async () => {
  emulator = await startEmulator();
  auth = createCommunicationAuth({
    ...acsOptionsOf(emulator),
    logger: { debug: log, info: log, warn: log, error: log },
    // As an app reads its session: immediately or later, with any content.
    authenticate: (call) => {
      const session = call.get('x-session');
      if (session === 'fails') throw Object.assign(new Error('the session store is down'), { status: 403 });
      if (session === 'hangs') {
        const answer = once(sessions, 'answer');
        sessions.emit('asked');
        return answer.then(([user]: AppUser[]) => user);
      }
      const user = session === undefined ? undefined : (JSON.parse(session) as { subject: string });
      return session?.includes('late') ? Promise.resolve(user) : user;
    },
  });
  await auth.ready();
  host = express().disable('x-powered-by').use('/acs', auth.router);
});
afterEach(() => emulator.reset());
afterAll(async () => {
  await auth.stop();
  await emulator.stop();
});

function call(method: 'get' | 'post' | 'delete', path: string, session?: unknown): Test {
  const test = request(host)[method](`/acs${path}`);
  const text = typeof session === 'string' ? session : JSON.stringify(session);
  return session === undefined ? test : test.set('x-session', text);
}

const idOf = async (session: unknown): Promise<string> => {
  const { status, body } = await call('get', '/getToken', session);
  expect(status).toBe(200);
  return body.user.communicationUserId as string;
};

it('gives the user of the session one identity, which can be deleted', async () => {
  const session = { subject: 'deleted user' };
  const id = await idOf(session);
  const found = await call('get', '/api/user', session);
  expect(found.body).toEqual({ user: { communicationUserId: id } });
  expectCommonHeaders(found);
  expect((await call('delete', '/deleteUser', session)).status).toBe(204);
  expect(emulator.identities()).toEqual([]);
});

it('identifies users by issuer and subject', async () => {
  const sessions = [
    { subject: 'sam' },
    { subject: 'sam', issuer: 'https://one.example' },
    { subject: 'sam', issuer: 'https://two.example' },
    { subject: 'Sam' },
    { subject: 'late' },
  ];
  const ids = await Promise.all(sessions.map(idOf));
  expect(new Set(ids).size).toBe(sessions.length);
  expect(await Promise.all(sessions.map(idOf))).toEqual(ids);
  expect(await idOf({ subject: 'sam', issuer: 'app' })).toBe(ids[0]);
});

it.each<[string, 'get' | 'post', string, unknown, number, string]>([
  ['no user', 'get', '/getToken', undefined, 401, 'missing_token'],
  ['a user without a subject', 'get', '/getToken', {}, 500, 'internal_error'],
  ['an empty subject', 'get', '/getToken', { subject: '' }, 500, 'internal_error'],
  ['a failure, whatever its status', 'get', '/getToken', 'fails', 500, 'internal_error'],
  ['a Teams token', 'post', '/exchangeToken', { subject: 'sam' }, 403, 'teams_exchange_not_supported'],
])('refuses %s', async (_name, method, path, session, status, code) => {
  const response = await call(method, path, session);
  expect({ status: response.status, code: response.headers['x-ms-error-code'] }).toEqual({ status, code });
  expect(response.headers['www-authenticate']).toBe(status === 401 ? 'Session' : undefined);
  expect(JSON.stringify(response.body)).not.toContain('session store');
});

describe('an app that takes long to find the user', () => {
  beforeEach(() => {
    entries.splice(0);
    // Only the time limits of requests are faked.
    jest.useFakeTimers({
      doNotFake: [
        ...(['Date', 'performance', 'hrtime', 'nextTick', 'queueMicrotask'] as const),
        ...(['setImmediate', 'clearImmediate', 'setInterval', 'clearInterval'] as const),
      ],
    });
  });
  afterEach(() => jest.useRealTimers());

  const { requestInMs } = defaultTimings;
  const timedOut = { status: 504, code: 'upstream_timeout', retryAfter: 'some', documented: false } as const;

  it('is not waited for longer than a request may take, and the log says so', async () => {
    const asked = once(sessions, 'asked');
    const response = call('get', '/getToken', 'hangs').then((reply) => reply);
    await asked;
    jest.advanceTimersByTime(requestInMs);
    expectError(await response, timedOut);
    const cause = { message: 'authenticate did not settle in time' };
    expect(entries[0]).toMatchObject({ message: 'request failed', fields: { err: { cause } } });
    // It may still fail: no one is waiting for it.
    sessions.emit('error', new Error('the session store is down'));
    expect((await call('get', '/getToken', { subject: 'sam' })).status).toBe(200);
  });

  it('uses up time of the request', async () => {
    emulator.fail({ operation: 'acs.identity.create', kind: 'hang', times: Infinity });
    const creations = emulator.callsTo('acs.identity.create');
    const asked = once(sessions, 'asked');
    const response = call('get', '/getToken', 'hangs').then((reply) => reply);
    await asked;
    jest.advanceTimersByTime(requestInMs - 1_000);
    sessions.emit('answer', { subject: 'waiting' });
    while (emulator.callsTo('acs.identity.create') === creations) await new Promise(setImmediate);
    jest.advanceTimersByTime(1_000);
    expectError(await response, timedOut);
  });
});
