import type { Response, Test } from 'supertest';
import type { FaultKind } from '../../emulator/http/faults';
import { allDefects } from '../../emulator/startEmulator';
import { type Collector, startCollector } from '../support/collector';
import { catchOutput, expectNothingLeaked, serverOutput, partsOf } from '../support/canaries';
import { fastTimings } from '../support/fastTimings';
import { startReadyServer, startReadySystem } from '../support/readySystem';
import { until } from '../support/until';
import type { System, TestServer } from '../support/startSystem';

/** Sends secrets, and looks for them in all output: log, standard output and error, headers and bodies. */
let system: System;
let written: string[];
let collector: Collector;
/** Everything that was sent and must not be in telemetry, including ids of users. */
const sent = new Set<string>();
beforeAll(async () => {
  collector = await startCollector();
  // Many servers: their metrics need not be exported all the time.
  const telemetry = { ...fastTimings.telemetry, metricExportIntervalInMs: 3_000 };
  system = await startReadySystem(
    { LOG_LEVEL: 'trace', OTEL_EXPORTER_OTLP_ENDPOINT: collector.url },
    { ...fastTimings, telemetry },
  );
});
beforeEach(() => (written = catchOutput()));
afterEach(() => {
  jest.restoreAllMocks();
  system.emulator.reset();
});
afterAll(async () => {
  await system.stop();
  await collector.stop();
});

/** The secrets of the settings, and the tokens of a user: one for this API, one for Teams. */
function canaries() {
  const { emulator } = system;
  const user = emulator.addUser(`Canary ${sent.size}`, true);
  const accessToken = emulator.accessToken({ user });
  const teamsToken = emulator.teamsToken({ user });
  const { AZURE_CLIENT_SECRET: clientSecret = '', IDENTITY_MAPPING_KEY: mappingKey = '' } =
    emulator.settings();
  const [, accessKey = ''] = /accesskey=(.+)$/.exec(emulator.communicationResource.connectionString) ?? [];
  const { name, userPrincipalName } = user;
  const whole = [clientSecret, accessKey, mappingKey, accessToken, teamsToken, userPrincipalName];
  for (const secret of [...whole, ...partsOf(accessToken), ...partsOf(teamsToken)]) sent.add(secret);
  // The log has the id of the user, telemetry has not.
  sent.add(user.objectId).add(name);
  return {
    accessToken,
    teamsToken,
    /** As an upstream may see them. */
    whole,
    /** The secrets, and their parts, which must not appear anywhere either. */
    all: [
      ...whole,
      name,
      Buffer.from(accessKey, 'base64').toString(),
      ...partsOf(accessToken),
      ...partsOf(teamsToken),
    ],
  };
}

/** Calls every operation in turn, regardless of the responses. */
async function callEverything(
  server: TestServer,
  { accessToken, teamsToken }: { accessToken: string; teamsToken: string },
): Promise<Response[]> {
  const calls: Test[] = [
    server.call('get', '/getToken', accessToken).set('Cache-Control', 'no-cache'),
    server.call('post', '/getToken', accessToken).set('Cache-Control', 'no-cache'),
    server.call('post', '/api/user', accessToken),
    server.call('get', '/api/user', accessToken),
    server.call('get', '/exchangeToken', accessToken).set('teams-user-aad-token', teamsToken),
    server.call('post', '/exchangeToken', accessToken).send({ teamsUserAadToken: teamsToken }),
    server.call('delete', '/deleteUser', accessToken),
  ];
  const responses: Response[] = [];
  for (const call of calls) responses.push(await call);
  return responses;
}

it('nothing leaks when every call succeeds', async () => {
  const { all, ...tokens } = canaries();
  const responses = await callEverything(system, tokens);
  expect(responses.map(({ status }) => status)).toEqual([200, 200, 200, 200, 200, 200, 204]);
  expectNothingLeaked(serverOutput(system, written, responses), all);
});

it('the log has the user and the status of each request', async () => {
  const { accessToken } = canaries();
  const response = await system.call('get', '/getToken', accessToken);
  const [, claims = ''] = accessToken.split('.');
  const { oid } = JSON.parse(Buffer.from(claims, 'base64url').toString()) as { oid: string };
  const lines = system.rawLog.map((line) => JSON.parse(line) as unknown);
  expect(lines).toContainEqual(
    expect.objectContaining({
      message: 'request',
      requestId: response.headers['x-ms-request-id'],
      method: 'GET',
      path: '/getToken',
      status: 200,
      user: oid,
    }),
  );
});

describe('nothing leaks from a rejected token', () => {
  it.each(allDefects)('with the defect %s', async (defect) => {
    const { emulator } = system;
    const { accessToken, all } = canaries();
    const bad = emulator.accessToken({ defect });
    const badTeamsToken = emulator.teamsToken({ defect });
    const responses = [
      await system.call('get', '/exchangeToken', bad),
      await system.call('get', '/exchangeToken', accessToken).set('teams-user-aad-token', badTeamsToken),
    ];
    expectNothingLeaked(serverOutput(system, written, responses), [
      ...all,
      ...partsOf(bad),
      ...partsOf(badTeamsToken),
    ]);
    // The bearer library would write long messages about malformed tokens to both streams.
    expect(written).toEqual([]);
  });
});

describe('nothing leaks from a request with a secret in the wrong place:', () => {
  it.each<[string, (token: string) => Test]>([
    ['the query', (token) => system.call('get', `/getToken?access_token=${token}`)],
    ['the query and the header', (token) => system.call('get', `/getToken?access_token=${token}`, token)],
    ['the path', (token) => system.call('get', `/getToken/${token}`)],
    [
      'malformed JSON',
      (token) => system.call('post', '/exchangeToken', token).type('json').send(`{"${token}`),
    ],
    ['an unknown property', (token) => system.call('post', '/exchangeToken', token).send({ [token]: token })],
    [
      'a body without a type',
      (token) => system.call('post', '/exchangeToken', token).type('text').send(token),
    ],
    [
      'a second header',
      (token) => system.call('get', '/getToken', token).set('x-ms-client-request-id', token),
    ],
    ['another scheme', (token) => system.call('get', '/getToken').set('Authorization', `Basic ${token}`)],
    ['no scheme', (token) => system.call('get', '/getToken').set('Authorization', token)],
    ['a wrong method', (token) => system.call('put', '/getToken', token).send({ token })],
    [
      'too large a body',
      (token) => system.call('post', '/exchangeToken', token).send({ a: token.repeat(100) }),
    ],
  ])('%s', async (_, send) => {
    const { accessToken, all } = canaries();
    const responses = [await send(accessToken)];
    expectNothingLeaked(serverOutput(system, written, responses), all);
  });
});

const operations = [
  'entra.token.on_behalf_of',
  'graph.me',
  'graph.extension.create',
  'graph.extension.update',
  'graph.extension.delete',
  'acs.identity.create',
  'acs.token.issue',
  'acs.identity.delete',
  'acs.teams.exchange',
];

describe.each(operations)('nothing leaks when %s fails', (operation) => {
  /** An upstream that repeats everything it knows in its response, in the error format of each of the three services. */
  const echo = (secrets: string[]) => ({
    error: { code: 'Echo', message: secrets.join(' '), innerError: { secrets } },
    error_description: secrets.join(' '),
  });
  const echoOfEntra = (secrets: string[]) => ({
    error: 'invalid_grant',
    error_codes: [50013],
    suberror: 'bad_token',
    error_description: secrets.join(' '),
  });

  const faults: [string, (secrets: string[]) => FaultKind][] = [
    ...[400, 401, 403, 404, 429, 500].map((status): (typeof faults)[number] => [
      `with ${status} and all secrets in its error`,
      (secrets) => ({ kind: 'status', status, body: echo(secrets), headers: { 'retry-after': '20' } }),
    ]),
    [
      'with a refusal of Microsoft Entra ID and all secrets in its error',
      (secrets) => ({ kind: 'status', status: 400, body: echoOfEntra(secrets) }),
    ],
    ['with a text of secrets', (secrets) => ({ kind: 'status', status: 500, body: secrets.join('\n') })],
    ['with secrets instead of JSON', (secrets) => ({ kind: 'malformed', body: secrets.join(' ') })],
    ['with the wrong JSON', (secrets) => ({ kind: 'malformed', body: JSON.stringify(echo(secrets)) })],
    ['with a broken connection', () => ({ kind: 'drop' })],
  ];

  it.each(faults)('%s', async (_, faultOf) => {
    const { emulator } = system;
    const server = await startReadyServer(system);
    const { all, whole, ...tokens } = canaries();
    emulator.fail({ operation, times: Infinity, ...faultOf(whole) });
    const responses = await callEverything(server, tokens);
    expect(emulator.callsTo(operation)).toBeGreaterThan(0);
    // Before the check: the last of its telemetry is sent now.
    await server.stop();
    expectNothingLeaked(serverOutput(server, written, responses), all);
  });
});

it('none of this was in the telemetry, nor were ids, names or addresses of users', async () => {
  const { accessToken, ...tokens } = canaries();
  const address = '203.0.113.77';
  const request = system.call('get', '/getToken?name=Canary-of-query', accessToken);
  await request
    .set('X-Forwarded-For', address)
    .set('User-Agent', 'Canary-of-agent')
    .set('Cookie', 'a=Canary-of-cookie');
  await callEverything(system, { accessToken, ...tokens });
  const deletions = () => collector.spans.filter(({ name }) => name === 'DELETE /deleteUser').length;
  const before = deletions();
  await callEverything(system, { accessToken, ...tokens });
  const exports = collector.requests.length;
  await until(() => deletions() > before);
  await until(() => collector.requests.slice(exports).some(({ path }) => path === '/v1/metrics'));
  const exported = collector.bodies.join('\n');
  expect(exported).toContain('GET /getToken');
  const leaks = [...sent].filter((text) => exported.includes(text));
  expect(leaks.length).toBe(0);
  expect(exported).not.toMatch(/eyJ[\w-]{8,}\./);
  for (const text of ['8:acs:', 'Canary', address]) expect(exported).not.toContain(text);
});
