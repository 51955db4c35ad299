import { type Emulator, startEmulator } from '../../emulator/startEmulator';
import { connectClient, maxOpenFiles, useAllFileDescriptors } from '../support/fileDescriptors';
import { type ServerProcess, startServerProcess } from '../support/serverProcess';
import { until } from '../support/until';

let emulator: Emulator;
let server: ServerProcess;
beforeAll(async () => (emulator = await startEmulator()));
afterEach(() => server.stop('SIGKILL'));
afterAll(() => emulator.stop());

const unavailable = { status: 503, headers: { 'retry-after': '2', 'x-ms-error-code': 'server_unavailable' } };

describe('a server that has no file descriptors left when it needs a part for the first time', () => {
  it.each([
    { part: 'MSAL', settings: {}, path: '/getToken', failure: unavailable },
    {
      part: 'the SDK of Communication Services',
      settings: { IDENTITY_STORE: 'acs' },
      path: '/getToken',
      failure: unavailable,
    },
    {
      part: 'the parser of its description',
      settings: { API_DOCS: 'on' },
      path: '/openapi.json',
      failure: unavailable,
    },
    { part: 'its version', settings: {}, path: '/', failure: { status: 500 } },
  ])('loads $part as soon as it can', async ({ settings, path, failure }) => {
    server = await startServerProcess({ ...emulator.settings(), ...settings }, { maxOpenFiles });
    const client = await connectClient(server.url);
    const release = await useAllFileDescriptors(server.url);
    const accessToken = emulator.accessToken({ user: emulator.addUser() });
    expect(await client.send(path, accessToken)).toMatchObject(failure);
    expect(await client.send(path, accessToken)).toMatchObject(failure);
    await until(() => server.output().includes('EMFILE'));
    release();
    await until(async () => (await client.send(path, accessToken)).status === 200);
    client.close();
  });
});
