import type { ApiResponse } from '../support/responses';
import { rawRequest } from '../support/rawRequest';
import { startSystem, type System } from '../support/startSystem';

let system: System;
beforeAll(async () => (system = await startSystem()));
afterAll(() => system.stop());

const sendInstructions = 'Send: Authorization: Bearer <access token>.';

function messageOf({ body }: Pick<ApiResponse, 'body'>): string {
  return (body as { error: { message: string } }).error.message;
}

describe('the message of an error says what is wrong and how to fix it:', () => {
  const get = (path: string, ...headers: string[]) =>
    rawRequest(system.url, { method: 'GET', path, headers });
  const sendAs = async (token: string) => messageOf(await system.call('get', '/api/token', token));
  const advice = () =>
    `Request an access token with the scope ${system.emulator.authServer.appIdUri}/access_as_user.`;

  it.each([
    ['no token', '/api/token', [], `No access token. Sign in with Microsoft Entra ID. ${sendInstructions}`],
    [
      'a token without Bearer',
      '/api/token',
      ['Authorization', 'eyJhbGciOiJSUzI1NiJ9.e30.c2ln'],
      `The Authorization header has no Bearer prefix. ${sendInstructions}`,
    ],
    [
      'Bearer without a token',
      '/api/token',
      ['Authorization', 'Bearer'],
      `The Authorization header has no access token. ${sendInstructions}`,
    ],
    [
      'a token with a space',
      '/api/token',
      ['Authorization', 'Bearer eyJ.eyJ .c2ln'],
      `The Authorization header contains extra spaces. ${sendInstructions}`,
    ],
    [
      'a token in the URL',
      '/api/token?access_token=canary',
      [],
      `An access token in the URL is not accepted. ${sendInstructions}`,
    ],
    [
      'two tokens',
      '/api/token',
      ['Authorization', 'Bearer canary', 'Authorization', 'Bearer canary'],
      'The Authorization header was sent more than once. Send it once.',
    ],
    ['an unknown path', '/api/tokens?a=b', [], 'Not found: GET /api/tokens.'],
    ['an unsafe path', '/"<b>\\', [], 'Not found: GET /?<b>?.'],
    ['a long path', `/${'p'.repeat(500)}`, [], `Not found: GET /${'p'.repeat(99)}....`],
  ])('%s', async (_name, path, headers, message) => {
    expect(messageOf(await get(path, ...headers))).toBe(message);
  });

  it.each([
    ['put', '/api/token', 'Method PUT not allowed. Use GET or POST.'],
    ['put', '/api/user', 'Method PUT not allowed. Use GET, POST or DELETE.'],
    ['post', '/deleteUser', 'Method POST not allowed. Use DELETE.'],
    ['post', '/health/live', 'Method POST not allowed. Use GET.'],
    ['post', '/HEALTH/Live/', 'Method POST not allowed. Use GET.'],
  ] as const)('the method %s on %s', async (method, path, message) => {
    expect(messageOf(await system.call(method, path))).toBe(message);
  });

  it('an ID token, or a token for another API', async () => {
    const { emulator } = system;
    expect(await sendAs(emulator.idToken())).toBe(
      `This looks like an ID token, which is for the client only (aud). ${advice()}`,
    );
    expect(await sendAs(emulator.accessToken({ claims: { aud: 'api://other' } }))).toBe(
      `The access token is for another API (aud). ${advice()}`,
    );
  });

  it.each([
    ['a-key', 'a-key'],
    ['a"\\\u00e9\n<b>', 'a????<b>'],
    ['k'.repeat(100), `${'k'.repeat(64)}...`],
  ])('the unknown signing key %j', async (kid, shown) => {
    expect(await sendAs(system.emulator.accessToken({ header: { kid } }))).toBe(
      `Signing key "${shown}" (kid) not found for tenant ${system.emulator.tenantId}. ` +
        'Check the authority that your app signs in with.',
    );
  });

  it.each([
    ['with another property', { teamsUserAADToken: 'canary' }, 'Unknown property "teamsUserAADToken".'],
    [
      'with an unsafe property',
      { teamsUserAadToken: 'canary', ['"\u00e9'.repeat(40)]: 1 },
      `Unknown property "${'?'.repeat(40)}...".`,
    ],
    ['with a number', { teamsUserAadToken: 1 }, 'Invalid body.'],
    ['that is an array', [], 'Invalid body.'],
  ])('a body %s', async (_name, body, problem) => {
    const response = await system.call('post', '/api/token/teams', system.emulator.accessToken()).send(body);
    expect(messageOf(response)).toBe(`${problem} Expected: {"teamsUserAadToken": "<token>"}`);
  });
});
