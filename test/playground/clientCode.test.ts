import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { runInThisContext } from 'node:vm';
import { projectRoot } from '../docs/markdown';
import { startSystem, type System } from '../support/startSystem';

/** The function that the playground shows, run as it is. */
const text = readFileSync(join(projectRoot, 'playground/src/callApi.client.js'), 'utf8');
const callApi = runInThisContext(`(${text.slice(text.indexOf('export')).replace('export ', '')})`) as (
  msal: object,
  settings: { apiUrl: string; apiScope: string },
  path: string,
  init?: object,
) => Promise<unknown>;

let system: System;
beforeAll(async () => {
  system = await startSystem();
  await system.ready();
});
afterAll(() => system.stop());
beforeEach(() => system.emulator.reset());

/** Calls as Alice; `tokens` are the tokens from MSAL, one after the other. */
function call(path: string, { tokens = [system.emulator.accessToken()], init = {} } = {}) {
  const silent: { forceRefresh?: boolean }[] = [];
  const redirects: unknown[] = [];
  const msal = {
    getActiveAccount: () => ({ name: 'Alice' }),
    acquireTokenSilent: (request: object) => {
      silent.push(request);
      return Promise.resolve({ accessToken: tokens[Math.min(silent.length, tokens.length) - 1] });
    },
    acquireTokenRedirect: (request: unknown) => Promise.resolve(void redirects.push(request)),
  };
  const settings = { apiUrl: system.url, apiScope: 'api://the-api/access_as_user' };
  return { result: callApi(msal, settings, path, init), silent, redirects };
}

const alice = () => system.emulator.users.alice.objectId;

test('returns what the API returns', async () => {
  await expect(call('/api/token').result).resolves.toMatchObject({ token: expect.any(String) as unknown });
  await expect(call('/api/user', { init: { method: 'DELETE' } }).result).resolves.toBeUndefined();
});

test('signs in again with the claims of a challenge', async () => {
  system.emulator.switches.requireMfaFor.add(alice());
  const { result, redirects } = call('/api/user');
  await result;
  expect(redirects).toEqual([
    expect.objectContaining({ claims: expect.stringContaining('access_token') as unknown }),
  ]);
});

test('asks for consent', async () => {
  system.emulator.switches.consentRequiredFor.add(alice());
  const { result, redirects } = call('/api/user');
  await result;
  expect(redirects).toEqual([
    expect.objectContaining({ scopes: ['api://the-api/.default'], prompt: 'consent' }),
  ]);
});

test('replaces an access token that is too old', async () => {
  const { emulator } = system;
  const tokens = [emulator.accessToken({ defect: 'expired' }), emulator.accessToken()];
  const { result, silent } = call('/api/token', { tokens });
  await expect(result).resolves.toMatchObject({ token: expect.any(String) as unknown });
  expect(silent.map(({ forceRefresh }) => forceRefresh)).toEqual([undefined, true]);
});

test('waits as long as the API says', async () => {
  system.emulator.fail({
    operation: 'acs',
    kind: 'status',
    status: 429,
    headers: { 'retry-after': '1' },
    times: 3,
  });
  await expect(call('/api/token').result).resolves.toMatchObject({ token: expect.any(String) as unknown });
});

test('reports all other errors, with the id of the request', async () => {
  const { result } = call('/api/token/teams', { init: { method: 'POST' } });
  await expect(result).rejects.toThrow(/teams_token_missing, [0-9a-f-]{36}/);
});
