import { sendRaw } from '../support/rawBytes';
import { startSystem, type System } from '../support/startSystem';

let system: System;
beforeAll(async () => (system = await startSystem()));
afterAll(() => system.stop());

it.each([
  ['bytes that are not HTTP', 'hello?\r\n\r\n', '400 Bad Request'],
  [
    'headers that are too large',
    `GET /getToken HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${'a'.repeat(40_000)}\r\n\r\n`,
    '431 Request Header Fields Too Large',
  ],
  [
    'two Content-Length headers',
    'POST /getToken HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabc',
    '400 Bad Request',
  ],
])('%s: the response has the common error format', async (_name, bytes, status) => {
  const [head = '', body = ''] = (await sendRaw(system.url, bytes)).split('\r\n\r\n');
  expect(head.split('\r\n')[0]).toBe(`HTTP/1.1 ${status}`);
  expect(head).toContain('x-ms-error-code: invalid_request');
  expect(JSON.parse(body)).toEqual({
    error: {
      code: 'invalid_request',
      message: expect.any(String),
      documentation: '/docs/errors#invalid_request',
    },
  });
});

it('headers may hold two access tokens of a user in 200 groups', async () => {
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
