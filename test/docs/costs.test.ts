import type { Test } from 'supertest';
import { callsDuring } from '../support/calls';
import { startReadyServer, startReadySystem } from '../support/readySystem';
import type { System, TestServer } from '../support/startSystem';
import { readDocument } from './markdown';

/** The table "Calls per request" of performance.md: the request, then its calls to Entra, Graph and ACS. */
const table = new Map(
  [
    ...readDocument('docs/performance.md').text.matchAll(
      /^\| ([^|]+) \| (\d) +\| (\d)[^|]*\| (\d)[^|]*\|[^|]*\|$/gm,
    ),
  ].map(([, request = '', ...counts]) => [request.trim(), counts.map(Number)]),
);

let system: System;
beforeAll(async () => {
  system = await startReadySystem();
});
afterAll(() => system.stop());

interface Case {
  request: string;
  /** Whether the user already has an identity, created through another server. */
  known: boolean;
  call: (server: TestServer, accessToken: string, teamsToken: string) => Test;
}

const cases: Case[] = [
  {
    request: 'getToken, new user',
    known: false,
    call: (server, token) => server.call('get', '/getToken', token),
  },
  {
    request: 'getToken, known user, cold',
    known: true,
    call: (server, token) => server.call('get', '/getToken', token),
  },
  {
    request: 'exchangeToken',
    known: false,
    call: (server, token, teams) =>
      server.call('post', '/exchangeToken', token).set('teams-user-aad-token', teams),
  },
  {
    request: 'GET /api/user, cold',
    known: true,
    call: (server, token) => server.call('get', '/api/user', token),
  },
  {
    request: 'POST /api/user, new user',
    known: false,
    call: (server, token) => server.call('post', '/api/user', token),
  },
  {
    request: 'DELETE /api/user, cold',
    known: true,
    call: (server, token) => server.call('delete', '/api/user', token),
  },
  {
    request: 'any, with an invalid token',
    known: true,
    call: (server, token) => server.call('get', '/api/token', token.slice(0, -20)),
  },
];

describe('the calls in docs/performance.md', () => {
  it.each(cases)('are correct for: $request', async ({ request, known, call }) => {
    const user = system.emulator.addUser(undefined, true);
    const token = system.emulator.accessToken({ user });
    if (known) await system.call('get', '/getToken', token).expect(200);
    const server = await startReadyServer(system);
    const teamsToken = system.emulator.teamsToken({ user });

    const made = await callsDuring(system.emulator, () => call(server, token, teamsToken));

    expect(['entra', 'graph', 'acs'].map((service) => countOf(made, service))).toEqual(table.get(request));
  });

  it('are correct for a warm user: none, or one for a new token', async () => {
    const token = system.emulator.accessToken({ user: system.emulator.addUser() });
    await system.call('get', '/getToken', token).expect(200);

    const again = await callsDuring(system.emulator, () => system.call('get', '/getToken', token));
    expect(again).toEqual({});
    const withNewToken = await callsDuring(system.emulator, () =>
      system.call('get', '/getToken', token).set('Cache-Control', 'no-cache'),
    );
    expect(['entra', 'graph', 'acs'].map((service) => countOf(withNewToken, service))).toEqual(
      table.get('getToken, known user, warm'),
    );
  });

  it('are all measured', () => {
    expect([...table.keys()].sort()).toEqual(
      [...cases.map(({ request }) => request), 'getToken, known user, warm'].sort(),
    );
  });
});

function countOf(made: Record<string, number>, service: string): number {
  return Object.entries(made).reduce(
    (sum, [operation, count]) => (operation.startsWith(`${service}.`) ? sum + count : sum),
    0,
  );
}
