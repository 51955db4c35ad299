import { randomBytes } from 'node:crypto';
import type { Response, Test } from 'supertest';
import { attributeNames, metricNames } from '../../src/telemetry/names';
import { type Collector, startCollector } from '../support/collector';
import type { Attributes, SpanRecord } from '../support/otlp';
import { startReadySystem } from '../support/readySystem';
import type { System } from '../support/startSystem';
import { until } from '../support/until';

let collector: Collector;
let system: System;
beforeAll(async () => {
  collector = await startCollector();
  system = await startReadySystem({ OTEL_EXPORTER_OTLP_ENDPOINT: collector.url });
});
beforeEach(() => system.emulator.reset());
afterAll(async () => {
  await system.stop();
  await collector.stop();
});

interface Traced {
  readonly response: Response;
  readonly server: SpanRecord;
  /** The names of the calls to upstreams, in order. */
  readonly calls: readonly SpanRecord[];
}

/** The trace context that each upstream call of the trace had, in order. */
const receivedOf = ({ server: { traceId } }: Traced) =>
  system.emulator
    .requests()
    .flatMap(({ traceparent }) => (traceparent?.includes(traceId) ? [traceparent] : []));

/** Sends the request within a new trace, and waits for the spans. */
async function traced(request: Test): Promise<Traced> {
  const traceId = randomBytes(16).toString('hex');
  const parentSpanId = randomBytes(8).toString('hex');
  const response = await request.set('traceparent', `00-${traceId}-${parentSpanId}-01`);
  const ofTrace = () => collector.spans.filter((span) => span.traceId === traceId);
  await until(() => ofTrace().some(({ kind }) => kind === 'server'));
  const server = ofTrace().find(({ kind }) => kind === 'server');
  expect(server).toMatchObject({ parentSpanId });
  if (!server) throw new Error('no span');
  return { response, server, calls: ofTrace().filter(({ kind }) => kind === 'client') };
}

const { upstream, operation, outcome, reason, cache, hit } = attributeNames;
const obo = 'Microsoft Entra ID: exchange token On-Behalf-Of';
const read = 'Microsoft Graph: read user and extensions';
const write = 'Microsoft Graph: create mapping';
const create = 'Azure Communication Services: create user with token';
const issue = 'Azure Communication Services: issue token';

const newUser = () => {
  const { emulator } = system;
  const user = emulator.addUser(undefined, true);
  return { accessToken: emulator.accessToken({ user }), teamsToken: emulator.teamsToken({ user }) };
};

interface Case {
  readonly what: string;
  readonly prepare?: (tokens: ReturnType<typeof newUser>) => Promise<unknown>;
  readonly send: (tokens: ReturnType<typeof newUser>) => Test;
  readonly status: number;
  readonly span: string;
  readonly calls: readonly string[];
  /** Which metrics grow, and by how much. */
  readonly metrics: readonly [name: string, attributes: Attributes, by: number][];
}

const { identities, tokens, cacheLookups, refusedTokens } = metricNames;
const callOnce = ({ accessToken }: { accessToken: string }) => system.call('get', '/api/token', accessToken);

const cases: readonly Case[] = [
  {
    what: 'a token for a new user',
    send: ({ accessToken }) => system.call('get', '/api/token', accessToken),
    status: 200,
    span: 'GET /api/token',
    calls: [obo, read, create, write],
    metrics: [
      [identities, { [outcome]: 'created' }, 1],
      [tokens, { [outcome]: 'issued' }, 1],
      [cacheLookups, { [cache]: 'verified_tokens', [hit]: false }, 1],
      [cacheLookups, { [cache]: 'obo_tokens', [hit]: false }, 1],
      [cacheLookups, { [cache]: 'mappings', [hit]: false }, 1],
    ],
  },
  {
    what: 'a token from memory',
    prepare: (known) => callOnce(known),
    send: ({ accessToken }) => system.call('get', '/getToken', accessToken),
    status: 200,
    span: 'GET /getToken',
    calls: [],
    metrics: [
      [tokens, { [outcome]: 'reused' }, 1],
      [cacheLookups, { [cache]: 'issued_tokens', [hit]: true }, 1],
    ],
  },
  {
    what: 'a new token for a known user',
    prepare: (known) => callOnce(known),
    send: ({ accessToken }) =>
      system.call('post', '/api/token', accessToken).set('Cache-Control', 'no-cache'),
    status: 200,
    span: 'POST /api/token',
    calls: [issue],
    metrics: [
      [tokens, { [outcome]: 'issued' }, 1],
      [cacheLookups, { [cache]: 'mappings', [hit]: true }, 1],
    ],
  },
  {
    what: 'an identity without a token',
    send: ({ accessToken }) => system.call('post', '/api/user', accessToken),
    status: 201,
    span: 'POST /api/user',
    calls: [obo, read, 'Azure Communication Services: create user', write],
    metrics: [[identities, { [outcome]: 'created' }, 1]],
  },
  {
    what: 'an identity that does not exist',
    send: ({ accessToken }) => system.call('get', '/api/user', accessToken),
    status: 404,
    span: 'GET /api/user',
    calls: [obo, read],
    metrics: [],
  },
  {
    what: 'a deletion',
    prepare: (known) => callOnce(known),
    send: ({ accessToken }) => system.call('delete', '/deleteUser', accessToken),
    status: 204,
    span: 'DELETE /deleteUser',
    calls: [
      read,
      'Microsoft Graph: update mapping',
      'Azure Communication Services: delete user',
      read,
      'Microsoft Graph: remove mapping',
    ],
    metrics: [
      [identities, { [outcome]: 'deleted' }, 1],
      [cacheLookups, { [cache]: 'obo_tokens', [hit]: true }, 4],
    ],
  },
  {
    what: 'a Teams exchange',
    send: ({ accessToken, teamsToken }) =>
      system.call('get', '/exchangeToken', accessToken).set('teams-user-aad-token', teamsToken),
    status: 200,
    span: 'GET /exchangeToken',
    calls: ['Azure Communication Services: exchange Teams token'],
    metrics: [[tokens, { [outcome]: 'exchanged' }, 1]],
  },
  {
    what: 'a request without a token',
    send: () => system.call('get', '/api/token'),
    status: 401,
    span: 'GET /api/token',
    calls: [],
    metrics: [[refusedTokens, { [reason]: 'missing_token' }, 1]],
  },
  {
    what: 'a request with an expired token',
    send: () => system.call('get', '/api/token', system.emulator.accessToken({ defect: 'expired' })),
    status: 401,
    span: 'GET /api/token',
    calls: [],
    metrics: [[refusedTokens, { [reason]: 'token_expired' }, 1]],
  },
  {
    what: 'a request for another user without the role',
    send: ({ accessToken }) =>
      system.call('delete', '/api/users/00000000-0000-4000-8000-000000000000', accessToken),
    status: 403,
    span: 'DELETE /api/users/:objectId',
    calls: [],
    metrics: [[refusedTokens, { [reason]: 'insufficient_role' }, 1]],
  },
  {
    what: 'a request without a route',
    send: ({ accessToken }) => system.call('get', `/getToken/${accessToken}`),
    status: 404,
    span: 'GET',
    calls: [],
    metrics: [],
  },
];

describe('the spans, the trace context for upstreams and the metrics of', () => {
  it.each(cases)('$what', async ({ prepare, send, status, span, calls, metrics }) => {
    const user = newUser();
    await prepare?.(user);
    const valuesOf = () => metrics.map(([name, attributes]) => collector.value(name, attributes));
    const exported = collector.requests.length;
    await until(() => collector.requests.slice(exported).some(({ path }) => path === '/v1/metrics'));
    const before = valuesOf();
    const result = await traced(send(user));

    expect(result.response.status).toBe(status);
    expect(result.server.name).toBe(span);
    expect(result.server.failed).toBe(false);
    expect(result.server.attributes[attributeNames.status]).toBe(status);
    expect(result.calls.map(({ name }) => name)).toEqual(calls);
    expect(receivedOf(result)).toEqual(
      result.calls.map(({ traceId, spanId }) => `00-${traceId}-${spanId}-01`),
    );
    for (const call of result.calls) {
      expect(call.parentSpanId).toBe(result.server.spanId);
      expect(call.attributes).toMatchObject({
        [upstream]: call.name.split(': ')[0],
        [operation]: call.name.split(': ')[1],
        [attributeNames.method]: expect.any(String) as string,
        [attributeNames.serverAddress]: expect.any(String) as string,
        [attributeNames.status]: expect.any(Number) as number,
      });
    }
    const growth = () => valuesOf().map((value, index) => value - (before[index] ?? 0));
    const expected = metrics.map(([, , by]) => by);
    await until(() => growth().every((value, index) => value >= (expected[index] ?? 0)));
    expect(growth()).toEqual(expected);
  });
});

it('a retry is an event of the call, and a request that fails has its error code', async () => {
  const { accessToken } = newUser();
  system.emulator.fail({ operation: 'graph.me', kind: 'status', status: 503, times: Infinity });
  const { server, calls, response } = await traced(system.call('get', '/api/token', accessToken));
  expect(response.status).toBe(503);
  expect(server).toMatchObject({
    failed: true,
    attributes: { [attributeNames.errorType]: 'upstream_unavailable' },
  });
  const [, call] = calls;
  expect(call).toMatchObject({ name: read, failed: true, attributes: { [attributeNames.errorType]: '503' } });
  expect(call?.events.map(({ name, attributes }) => [name, attributes[attributeNames.retry]])).toEqual([
    ['retry', 1],
    ['retry', 2],
  ]);
});

it('a call that an open circuit breaker rejects has an event, and the breaker is a metric', async () => {
  const server = await system.startAnother({ OTEL_EXPORTER_OTLP_ENDPOINT: collector.url });
  await server.ready();
  system.emulator.fail({ operation: 'acs.teams.exchange', kind: 'status', status: 429, times: Infinity });
  const exchange = () => {
    const { accessToken, teamsToken } = newUser();
    return server.call('get', '/exchangeToken', accessToken).set('teams-user-aad-token', teamsToken);
  };
  const rejectedCalls = () =>
    collector.spans.filter(({ events }) => events.some(({ name }) => name === 'circuit breaker open'));
  await until(async () => {
    await exchange();
    return rejectedCalls().length > 0;
  });
  expect(rejectedCalls()[0]).toMatchObject({ failed: true });
  await until(() => collector.value(metricNames.openBreakers, { [operation]: 'exchange Teams token' }) === 1);
  await server.stop();
});

it('the trace state, in which a client may send any text, is not exported', async () => {
  const { accessToken } = newUser();
  const traceState = 'contoso=name-of-a-user';
  await traced(system.call('get', '/api/token', accessToken).set('tracestate', traceState));
  expect(collector.bodies.join('\n')).not.toContain('name-of-a-user');
});

it('every log line of a request has its three ids', async () => {
  const { accessToken } = newUser();
  system.emulator.fail({ operation: 'graph.me', kind: 'status', status: 500, times: Infinity });
  const logged = system.rawLog.length;
  const { server, response } = await traced(
    system.call('get', '/api/token', accessToken).set('x-ms-client-request-id', 'client-1'),
  );
  const lines = system.rawLog.slice(logged).map((line) => JSON.parse(line) as Record<string, unknown>);
  expect(new Set(lines.map(({ message }) => message))).toEqual(
    new Set(['call to upstream failed', 'request failed', 'request']),
  );
  for (const line of lines) {
    expect(line).toMatchObject({
      requestId: response.headers['x-ms-request-id'],
      clientRequestId: 'client-1',
      traceId: server.traceId,
    });
  }
});

it('requests, calls and the event loop have durations, and health probes no spans', async () => {
  await system.call('get', '/health/ready');
  await system.call('get', '/Health/LIVE/');
  await traced(system.call('get', '/api/token'));
  const { route } = attributeNames;
  for (const path of ['/health/ready', '/health/live'])
    await until(() => collector.value(metricNames.serverDuration, { [route]: path }) > 0);
  await until(() => collector.value(metricNames.eventLoopMax) > 0);
  expect(collector.value(metricNames.clientDuration, { [upstream]: 'Microsoft Entra ID' })).toBeGreaterThan(
    0,
  );
  expect(collector.spans.filter(({ name }) => /health/i.test(name))).toEqual([]);
});
