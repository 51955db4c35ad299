import type { User } from '../../emulator/startEmulator';
import { sendBytes, sendRaw } from '../support/rawBytes';
import { startSystem, type System } from '../support/startSystem';
import { until } from '../support/until';

let system: System;
beforeAll(async () => (system = await startSystem()));
afterEach(() => system.emulator.reset());
afterAll(() => system.stop());

const requestOf = (user: User, path = '/getToken', headers = '') =>
  `GET ${path} HTTP/1.1\r\nHost: x\r\n${headers}Authorization: Bearer ${system.emulator.accessToken({ user })}\r\n\r\n`;

const statusesIn = (responses: string) =>
  [...responses.matchAll(/HTTP\/1\.1 (\d+)/g)].map(([, status]) => Number(status));

describe('pipelined requests on one connection', () => {
  it('get their responses in order', async () => {
    const { emulator } = system;
    const [first, second] = [emulator.addUser(), emulator.addUser()];
    await system.call('get', '/getToken', emulator.accessToken({ user: second }));
    const close = 'Connection: close\r\n';
    const responses = await sendRaw(
      system.url,
      requestOf(first) + requestOf(second) + requestOf(first, '/unknown', close),
    );
    expect(statusesIn(responses)).toEqual([200, 200, 404]);
    const ids = [...responses.matchAll(/"communicationUserId":"([^"]+)"/g)].map(([, id]) => id);
    expect(ids).toEqual(
      [first, second].map(
        ({ objectId }) =>
          emulator.mappings().find(({ userObjectId }) => userObjectId === objectId)?.extension
            .acsUserIdentity,
      ),
    );
  });

  it.each(['cold', 'warm'])('get responses up to the first malformed one (%s)', async (state) => {
    const { emulator } = system;
    const user = emulator.addUser();
    if (state === 'warm') await system.call('get', '/getToken', emulator.accessToken({ user }));
    const responses = await sendRaw(system.url, `${requestOf(user)}what is this?\r\n\r\n`);
    expect(statusesIn(responses)).toEqual([200, 400]);
  });

  it('are all cancelled when the client disconnects', async () => {
    const { emulator } = system;
    emulator.delay('graph.me', 5_000);
    const logged = system.rawLog.length;
    const connection = sendBytes(
      system.url,
      Array.from({ length: 20 }, () => requestOf(emulator.addUser())).join(''),
    );
    await until(() => emulator.callsTo('graph.me') >= 20);
    connection.destroy();
    const cancelled = () => system.rawLog.slice(logged).filter((line) => line.includes('"status":499'));
    await until(() => cancelled().length >= 20);
    expect(emulator.callsTo('acs')).toBe(0);
  });
});
