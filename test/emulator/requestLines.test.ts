import { Readable } from 'node:stream';
import { showRequestLines } from '../../emulator/requestLines';
import { decodeJwt } from '../../emulator/tokens/jwt';
import { createStyle } from '../../emulator/terminal';
import { startSystem, type System } from '../support/startSystem';
import { until } from '../support/until';

/** As the server logs it. */
const request = { message: 'request', method: 'GET', path: '/api/user', status: 200, milliseconds: 1 };

let system: System;
beforeAll(async () => {
  system = await startSystem({ FORWARD_REQUEST_ID: 'on', LOG_LEVEL: 'info' });
  await system.ready();
});
afterAll(() => system.stop());

test('a line for each request names the caller, the time and the upstream calls', async () => {
  const { emulator, rawLog } = system;
  const alice = emulator.accessToken();
  await system.call('get', '/health/ready');
  await system.call('get', '/api/token', alice);
  await system.call('get', '/api/token', alice);
  await system.call('get', '/api/token');
  emulator.fail({ operation: 'graph', kind: 'status', status: 503, times: 3 });
  await system.call('get', '/api/user', alice);
  await system.call('delete', '/api/user', emulator.accessToken({ user: emulator.addUser('Someone') }));
  await until(() => rawLog.filter((line) => line.includes('"message":"request"')).length === 6);

  const lines: string[] = [];
  const style = createStyle({ isTTY: false }, {});
  // With --provider oidc, the user is the token's subject.
  const { sub } = decodeJwt(emulator.externalId.accessToken({ user: 'bob' }))?.claims ?? {};
  const ofOidc = JSON.stringify({ ...request, requestId: 'of no call', time: new Date(), user: sub });
  const log = Readable.from([...rawLog, `${ofOidc}\n`, 'not JSON\n']);
  showRequestLines({ log, emulator, style, write: (line) => void lines.push(line) });
  await until(() => lines.includes('not JSON'));

  const requests = lines.filter((line) => !line.startsWith('{') && line !== 'not JSON');
  const time = String.raw`^\d\d:\d\d:\d\d +`;
  expect(requests).toEqual([
    expect.stringMatching(
      new RegExp(
        `${time}GET +/api/token +200 +\\d+ ms +alice +OBO \\d+ \\| Graph read \\d+ \\| ACS create \\d+ \\| Graph write \\d+$`,
      ),
    ),
    expect.stringMatching(new RegExp(`${time}GET +/api/token +200 +\\d+ ms +alice +from memory$`)),
    expect.stringMatching(new RegExp(`${time}GET +/api/token +401 +\\d+ ms +- +missing_token$`)),
    expect.stringMatching(
      new RegExp(
        `${time}GET +/api/user +503 +\\d+ ms +alice +upstream_unavailable  (Graph read \\d+ \\(503\\)( \\| )?){3}$`,
      ),
    ),
    expect.stringMatching(
      new RegExp(`${time}DELETE +/api/user +204 +\\d+ ms +[0-9a-f]{8} +OBO \\d+ \\| Graph read \\d+`),
    ),
    expect.stringMatching(new RegExp(`${time}GET +/api/user +200 +1 ms +bob$`)),
  ]);
  // Warnings and errors stay as they are logged.
  expect(lines.filter((line) => line.startsWith('{'))).toEqual(
    rawLog.filter((line) => /"level":"(warn|error)"/.test(line)).map((line) => line.trimEnd()),
  );
});
