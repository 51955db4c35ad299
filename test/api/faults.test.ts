import type { FaultKind } from '../../emulator/http/faults';
import type { AccessTokenOptions, Emulator, Fault } from '../../emulator/startEmulator';
import { expectOneIdentityEach } from '../support/mappings';
import { expireForHeldCallsOnly, shortTimeoutTimings } from '../support/fastTimings';
import { startReadySystem } from '../support/readySystem';
import { startSystem, type System, type TestServer } from '../support/startSystem';
import { until } from '../support/until';

/** The upstream calls for a new user's first token, each of which can fail. */
const steps = ['entra.token', 'graph.me', 'acs.identity.create', 'graph.extension.create'] as const;
type Step = (typeof steps)[number];

type FaultOfAnyStep = Fault extends infer Kind
  ? Kind extends Fault
    ? Omit<Kind, 'operation'>
    : never
  : never;

interface Row {
  name: string;
  fault: FaultOfAnyStep;
  outcome: Outcome | Record<Step, Outcome>;
}

interface Outcome {
  status: number;
  code?: string;
  retryAfter?: string;
}

const ok: Outcome = { status: 200 };
const unavailable: Outcome = { status: 503, code: 'upstream_unavailable', retryAfter: '2' };
const invalidResponse: Outcome = { status: 502, code: 'upstream_invalid_response' };
const timeout: Outcome = { status: 504, code: 'upstream_timeout', retryAfter: '2' };
/** A create is not retried if it may have been applied: a second identity would be an orphan. */
const unlessCreating = (outcome: Outcome): Record<Step, Outcome> => ({
  'entra.token': ok,
  'graph.me': ok,
  'acs.identity.create': outcome,
  'graph.extension.create': ok,
});

const quick: Row[] = [
  { name: '503 once', fault: { kind: 'status', status: 503 }, outcome: ok },
  { name: '503 twice', fault: { kind: 'status', status: 503, times: 2 }, outcome: ok },
  { name: '500 once', fault: { kind: 'status', status: 500 }, outcome: unlessCreating(unavailable) },
  { name: 'dropped once', fault: { kind: 'drop' }, outcome: unlessCreating(unavailable) },
  {
    name: 'throttled for one second',
    fault: { kind: 'status', status: 429, headers: { 'retry-after': '1' } },
    outcome: ok,
  },
  {
    name: 'always throttled',
    fault: { kind: 'status', status: 429, headers: { 'retry-after': '30' }, times: Infinity },
    outcome: { status: 503, code: 'upstream_throttled', retryAfter: '30' },
  },
  { name: 'always 500', fault: { kind: 'status', status: 500, times: Infinity }, outcome: unavailable },
  {
    name: 'always 503 with a Retry-After',
    fault: { kind: 'status', status: 503, headers: { 'retry-after': '20' }, times: Infinity },
    outcome: { ...unavailable, retryAfter: '20' },
  },
  { name: 'always dropped', fault: { kind: 'drop', times: Infinity }, outcome: unavailable },
  { name: 'HTML', fault: { kind: 'garbage', times: Infinity }, outcome: invalidResponse },
  { name: 'malformed JSON', fault: { kind: 'malformed', times: Infinity }, outcome: invalidResponse },
  {
    name: 'an empty object',
    fault: { kind: 'malformed', body: '{}', times: Infinity },
    outcome: invalidResponse,
  },
  {
    name: 'HTML with status 502',
    fault: { kind: 'status', status: 502, body: '<html>Bad Gateway</html>', times: Infinity },
    outcome: unavailable,
  },
];

/** Throttled, with a body that is not an error of the service. */
const throttledMalformed: Row[] = [
  '',
  'null',
  '[]',
  '{}',
  '{"error":null}',
  '{"error":{"innerError":null}}',
].map((body) => ({
  name: `always throttled, with the body ${body || '(none)'}`,
  fault: { kind: 'status', status: 429, headers: { 'retry-after': '30' }, body, times: Infinity },
  outcome: { status: 503, code: 'upstream_throttled', retryAfter: '30' },
}));

const notHttp = (what: string, bytes: string, outcome: Row['outcome'] = invalidResponse): Row => ({
  name: `not HTTP: ${what}`,
  fault: { kind: 'notHttp', bytes, times: Infinity },
  outcome,
});

const protocolErrors: Row[] = [
  notHttp('garbage', 'SSH-2.0-gateway\r\n'),
  notHttp('a negative length', 'HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n'),
  notHttp('too many headers', `HTTP/1.1 200 OK\r\nx: ${'y'.repeat(100_000)}\r\n\r\n`),
  notHttp('a malformed chunk', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n', {
    'entra.token': invalidResponse,
    'graph.me': invalidResponse,
    // Once the headers have been read, Node reports it as a lost connection.
    'acs.identity.create': unavailable,
    'graph.extension.create': invalidResponse,
  }),
];

const lostReplies: Row[] = [
  { name: 'response lost after it was applied', fault: { kind: 'replyLost' }, outcome: ok },
  { name: 'response truncated after it was applied', fault: { kind: 'cut' }, outcome: ok },
];

const slow: Row[] = [
  { name: 'hangs once', fault: { kind: 'hang' }, outcome: unlessCreating(timeout) },
  { name: 'always hangs', fault: { kind: 'hang', times: Infinity }, outcome: timeout },
];

const casesOf = (rows: Row[], of: readonly Step[] = steps) =>
  rows.flatMap((row) =>
    of.map((step) => ({
      title: `${step}: ${row.name}`,
      fault: { ...row.fault, operation: step },
      expected: 'status' in row.outcome ? row.outcome : row.outcome[step],
    })),
  );

/** Makes a first call during the fault, then checks what must hold after any response. */
async function expectOutcomeUnderFault(
  emulator: Emulator,
  server: TestServer,
  fault: Fault,
  expected: Outcome,
): Promise<void> {
  const user = emulator.addUser();
  emulator.fail(fault);
  const response = await server.call('get', '/getToken', emulator.accessToken({ user }));

  expect({
    status: response.status,
    code: response.body.error?.code as unknown,
    retryAfter: response.headers['retry-after'],
  }).toEqual({ code: undefined, retryAfter: undefined, ...expected });
  const users = expectOneIdentityEach(emulator);
  expect([expected.status === 200 ? 1 : 0, 1]).toContain(users);

  emulator.reset();
  const next = emulator.addUser();
  const recovered = await server.call('get', '/getToken', emulator.accessToken({ user: next }));
  expect(recovered.status).toBe(200);
}

afterEach(() => jest.restoreAllMocks());

describe("a new user's first call", () => {
  let system: System;
  beforeAll(async () => (system = await startSystem()));
  afterEach(() => system.emulator.reset());
  afterAll(() => system.stop());

  it.each(casesOf([...quick, ...throttledMalformed, ...protocolErrors]))(
    'gets the expected response when an upstream call fails ($title)',
    ({ fault, expected }) => expectOutcomeUnderFault(system.emulator, system, fault, expected),
  );

  // A create whose response is lost leaves an orphan; ACS has no API to find it.
  it.each(casesOf(lostReplies, ['entra.token', 'graph.me', 'graph.extension.create']))(
    'succeeds when a response is lost ($title)',
    ({ fault, expected }) => expectOutcomeUnderFault(system.emulator, system, fault, expected),
  );

  it('creates no second identity when the response of the create is lost', async () => {
    const { emulator } = system;
    emulator.fail({ operation: 'acs.identity.create', kind: 'replyLost' });
    const response = await system.call(
      'get',
      '/getToken',
      emulator.accessToken({ user: emulator.addUser() }),
    );
    expect(response.status).toBe(503);
    expect(emulator.callsTo('acs.identity.create')).toBe(1);
  });
});

describe('a first call during which an upstream hangs', () => {
  let system: System;
  beforeAll(async () => (system = await startSystem()));
  afterEach(() => system.emulator.reset());
  afterAll(() => system.stop());

  it.each(casesOf(slow))(
    'gets a response within the request time limit ($title)',
    async ({ fault, expected }) => {
      const { emulator } = system;
      expireForHeldCallsOnly(emulator);
      const server = await system.startAnother({}, shortTimeoutTimings);
      await expectOutcomeUnderFault(emulator, server, fault, expected);
    },
  );
});

describe('a mapping that cannot be written, and an identity whose deletion fails at first', () => {
  it('leave no orphan', async () => {
    const system = await startSystem();
    const { emulator } = system;
    emulator.fail({ operation: 'graph.extension.create', kind: 'status', status: 500, times: 3 });
    emulator.fail({ operation: 'acs.identity.delete', kind: 'status', status: 500, times: 3 });
    const response = await system.call(
      'get',
      '/getToken',
      emulator.accessToken({ user: emulator.addUser() }),
    );
    expect(response.status).toBe(503);
    await system.stop();
    expect(emulator.identities()).toEqual([]);
  });
});

describe('a 404 that comes from a proxy, not from Microsoft Graph,', () => {
  it.each(['graph.extension.update', 'graph.extension.delete'])(
    'is not treated as a missing mapping (%s)',
    async (operation) => {
      const system = await startReadySystem();
      try {
        const { emulator } = system;
        const accessToken = emulator.accessToken({ user: emulator.addUser() });
        await system.call('get', '/getToken', accessToken).expect(200);

        emulator.fail({ operation, kind: 'status', status: 404, body: '<html>Not found', times: Infinity });
        const failed = await system.call('delete', '/deleteUser', accessToken);
        expect([failed.status, failed.body.error?.code]).toEqual([502, 'upstream_refused']);

        emulator.clearFaults();
        await system.call('delete', '/deleteUser', accessToken).expect(204);
        expect(expectOneIdentityEach(emulator)).toBe(0);
      } finally {
        await system.stop();
      }
    },
  );
});

describe('an outage of an upstream that a request does not need', () => {
  let system: System;
  beforeAll(async () => (system = await startSystem({ TOKEN_REUSE_MINUTES: '0' })));
  afterAll(() => system.stop());

  it('does not affect a token for a known user or a Teams exchange', async () => {
    const { emulator } = system;
    const accessToken = emulator.accessToken({ user: emulator.users.carol });
    expect((await system.call('get', '/getToken', accessToken)).status).toBe(200);
    emulator.fail({ operation: 'graph', kind: 'status', status: 503, times: Infinity });
    emulator.fail({ operation: 'entra', kind: 'status', status: 503, times: Infinity });

    expect((await system.call('get', '/getToken', accessToken)).status).toBe(200);
    const exchange = await system
      .call('get', '/exchangeToken', accessToken)
      .set('teams-user-aad-token', emulator.teamsToken());
    expect(exchange.status).toBe(200);
  });
});

describe('a server that starts during an outage of Microsoft Entra ID', () => {
  it.each<[string, FaultOfAnyStep]>([
    ['no response', { kind: 'hang', times: 4 }],
    ['dropped connections', { kind: 'drop', times: 6 }],
    ['status 500', { kind: 'status', status: 500, times: 6 }],
    ['malformed responses', { kind: 'garbage', times: 6 }],
  ])('(%s) starts, responds with 503 and then recovers', async (_name, fault) => {
    const system = await startSystem();
    const { emulator } = system;
    expireForHeldCallsOnly(emulator);
    try {
      emulator.fail({ ...fault, operation: 'entra' });
      const server = await system.startAnother({}, shortTimeoutTimings);
      expect((await server.call('get', '/health/live')).status).toBe(200);
      expect((await server.call('get', '/health/ready')).status).toBe(503);
      expect((await server.call('get', '/getToken')).status).toBe(401);
      const user = emulator.addUser();
      const early = await server.call('get', '/getToken', emulator.accessToken({ user }));
      expect([502, 503, 504]).toContain(early.status);
      expect(early.headers['www-authenticate']).toBeUndefined();
      await until(async () => (await server.call('get', '/health/ready')).status === 200);
      expect((await server.call('get', '/getToken', emulator.accessToken({ user }))).status).toBe(200);
    } finally {
      await system.stop();
    }
  });
});

it('a server accepts v1 tokens although the v1 discovery document cannot be read', async () => {
  const system = await startSystem();
  const { emulator } = system;
  try {
    emulator.fail({ operation: 'entra.discovery', kind: 'status', status: 404 });
    const server = await system.startAnother();
    await until(async () => (await server.call('get', '/health/ready')).status === 200);
    const accessToken = emulator.accessToken({ user: emulator.addUser(), version: 1 });
    expect((await server.call('get', '/getToken', accessToken)).status).toBe(200);
  } finally {
    await system.stop();
  }
});

describe('the v1 issuer of a cloud', () => {
  let system: System;
  let issuer: string;
  let document: FaultKind;
  beforeEach(async () => {
    system = await startSystem();
    const { emulator } = system;
    const tenantId = emulator.settings().AZURE_TENANT_ID ?? '';
    const authority = `${emulator.url}/${tenantId}`;
    const discovery = (await (await fetch(`${authority}/.well-known/openid-configuration`)).json()) as object;
    issuer = `https://sts.example.test/${tenantId}/`;
    document = { kind: 'malformed', body: JSON.stringify({ ...discovery, issuer }) };
  });
  afterEach(() => system.stop());

  /** Replaces the v1 document in the next loads. Each load reads it first, then the v2 document. */
  function replaceV1Document(...replacements: FaultKind[]): void {
    for (const [index, replacement] of replacements.entries())
      system.emulator.fail({ operation: 'entra.discovery', after: Math.min(index, 1), ...replacement });
  }

  async function startReady(): Promise<TestServer> {
    expireForHeldCallsOnly(system.emulator);
    const server = await system.startAnother({}, shortTimeoutTimings);
    await until(async () => (await server.call('get', '/health/ready')).status === 200);
    return server;
  }

  function tokenOfIssuer(options: AccessTokenOptions = {}): string {
    const user = system.emulator.addUser();
    return system.emulator.accessToken({ user, version: 1, claims: { iss: issuer }, ...options });
  }

  /** A token that is accepted reaches the check of the body. */
  async function exchangeWith(server: TestServer, options: AccessTokenOptions = {}): Promise<number> {
    return (await server.call('post', '/exchangeToken', tokenOfIssuer(options))).status;
  }

  it('stays if the v1 discovery document cannot be read again', async () => {
    replaceV1Document(document);
    const server = await startReady();
    expect(await exchangeWith(server)).toBe(400);
    replaceV1Document({ kind: 'status', status: 404 });
    const reads = system.emulator.callsTo('entra.discovery');
    expect(await exchangeWith(server, { defect: 'unknown_key' })).toBe(401);
    expect(system.emulator.callsTo('entra.discovery')).toBeGreaterThan(reads);
    expect(await exchangeWith(server)).toBe(400);
  });

  it.each<[string, FaultKind]>([
    ['is unavailable', { kind: 'status', status: 503 }],
    ['does not respond', { kind: 'hang' }],
  ])('is accepted soon if the v1 discovery document %s at the start', async (_name, failure) => {
    replaceV1Document(failure, document);
    const server = await startReady();
    await until(async () => (await exchangeWith(server)) === 400);
  });

  it('is accepted in a token that was refused before the issuer was known', async () => {
    replaceV1Document({ kind: 'status', status: 404 }, document);
    const server = await startReady();
    const accessToken = tokenOfIssuer();
    const statusOf = async () => (await server.call('post', '/exchangeToken', accessToken)).status;
    expect(await statusOf()).toBe(401);
    // A token of the usual issuer with an unknown key makes the server load the documents again.
    expect(await exchangeWith(server, { defect: 'unknown_key', claims: {} })).toBe(401);
    expect(await statusOf()).toBe(400);
  });
});
