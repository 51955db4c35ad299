import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { startEmulator } from '../../emulator/startEmulator';
import { recordTableCalls } from '../../emulator/tableRelay';

test('calls to a table service are forwarded, and recorded with their client request id', async () => {
  const emulator = await startEmulator();
  const table = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      response.writeHead(request.method === 'GET' ? 404 : 201, { etag: 'W/"1"' });
      response.end(`${request.method ?? ''} ${request.url ?? ''} ${Buffer.concat(chunks).toString()}`);
    });
  }).listen(0, '127.0.0.1');
  await once(table, 'listening');
  const { port } = table.address() as AddressInfo;
  const settings = {
    TABLES_CONNECTION_STRING: `AccountName=a;TableEndpoint=http://127.0.0.1:${port}/local;`,
  };
  const { TABLES_CONNECTION_STRING: recorded = '' } = await recordTableCalls(settings, emulator);
  const [, relay = ''] = /^AccountName=a;TableEndpoint=(.+)\/local;$/.exec(recorded) ?? [];

  const call = async (method: string, path: string, body?: string) => {
    const response = await fetch(`${relay}${path}`, {
      method,
      headers: { 'x-ms-client-request-id': 'the-request' },
      ...(body === undefined ? {} : { body }),
    });
    return [response.status, response.headers.get('etag'), await response.text()];
  };
  expect(await call('GET', "/local/mappings(PartitionKey='a')?x=1")).toEqual([
    404,
    'W/"1"',
    "GET /local/mappings(PartitionKey='a')?x=1 ",
  ]);
  expect(await call('POST', '/local/mappings', '{}')).toEqual([201, 'W/"1"', 'POST /local/mappings {}']);
  expect(await call('POST', '/local/Tables', '{}')).toEqual([201, 'W/"1"', 'POST /local/Tables {}']);

  const calls = emulator.requests({ clientRequestId: 'the-request' });
  expect(calls.map(({ operation, status }) => [operation, status])).toEqual([
    ['table.read', 404],
    ['table.insert', 201],
    ['table.create', 201],
  ]);
  table.close();
  table.closeAllConnections();
  await emulator.stop();
});
