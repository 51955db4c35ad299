import { say } from '../support/rawBytes';
import { startSystem, type System } from '../support/startSystem';

let system: System;
beforeAll(async () => (system = await startSystem()));
afterAll(() => system.stop());

it.each([
  ['what is not HTTP', 'hello?\r\n\r\n', '400 Bad Request'],
  [
    'headers beyond all measure',
    `GET /getToken HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${'a'.repeat(40_000)}\r\n\r\n`,
    '431 Request Header Fields Too Large',
  ],
  [
    'two lengths of one body',
    'POST /getToken HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabc',
    '400 Bad Request',
  ],
])('answers %s in the shape of every error', async (_name, bytes, status) => {
  const [head = '', body = ''] = (await say(system.url, bytes)).split('\r\n\r\n');
  expect(head.split('\r\n')[0]).toBe(`HTTP/1.1 ${status}`);
  expect(head).toContain('x-ms-error-code: invalid_request');
  expect(JSON.parse(body)).toEqual({ error: { code: 'invalid_request', message: expect.any(String) } });
});

it('has room for two access tokens of a user in many groups', async () => {
  const { emulator } = system;
  const groups = Array.from(
    { length: 200 },
    (_, index) => `00000000-0000-4000-8000-${String(index).padStart(12, '0')}`,
  );
  const accessToken = emulator.accessToken({ user: emulator.users.carol, claims: { groups } });
  const response = await system
    .call('get', '/exchangeToken', accessToken)
    .set('teams-user-aad-token', emulator.teamsToken({ claims: { groups } }));
  expect(response.status).toBe(200);
});
