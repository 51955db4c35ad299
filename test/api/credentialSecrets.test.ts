import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Response } from 'supertest';
import { type ClientCertificate, createClientCertificate, startEmulator } from '../../emulator/startEmulator';
import type { Emulator } from '../../emulator/startEmulator';
import { createLogger } from '../../src/logger';
import { catchOutput, expectNothingLeaked, serverOutput, partsOf } from '../support/canaries';
import { startServer, type TestServer } from '../support/startSystem';
import { createTokenIssuer } from '../support/tokenIssuer';

/** Private keys and assertions, which are not settings, appear in no output either. */
let emulator: Emulator;
let folder: string;
let file: string;
let certificate: ClientCertificate;
const cluster = createTokenIssuer();
let server: TestServer | undefined;
let written: string[];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'secrets-'));
  file = join(folder, 'credential');
  [emulator, certificate] = await Promise.all([startEmulator(), createClientCertificate()]);
});
beforeEach(() => {
  emulator.reset();
  written = catchOutput();
});
afterEach(async () => {
  jest.restoreAllMocks();
  await server?.stop();
  server = undefined;
});
afterAll(async () => {
  await emulator.stop();
  await rm(folder, { recursive: true });
});

async function start(settings: Record<string, string>): Promise<TestServer> {
  server = await startServer({
    ...emulator.settings(),
    LOG_LEVEL: 'trace',
    AZURE_CLIENT_SECRET: '',
    ...settings,
  });
  await server.ready();
  return server;
}
const getToken = (to: TestServer): PromiseLike<Response> =>
  to.call('get', '/getToken', emulator.accessToken({ user: emulator.addUser() }));

/** The lines of the key: not even a part of it may leak. */
const linesOf = (privateKey: string) => privateKey.split('\n').filter((line) => line.length > 40);
const pem = () => `${certificate.privateKey}\n${certificate.certificate}`;

/** What an upstream might repeat of a request. */
const echo = (...secrets: string[]) => ({
  error: 'invalid_client',
  error_codes: [700027],
  error_description: secrets.join(' '),
});

test.each<[string, () => Promise<unknown>]>([
  [
    'is accepted',
    () => Promise.resolve(emulator.applications.addCertificate('AuthServer', certificate.certificate)),
  ],
  ['is not registered', () => Promise.resolve()],
  [
    'is refused with all secrets in the error of Entra ID',
    () => {
      const body = echo(certificate.privateKey);
      emulator.fail({ operation: 'entra.token', kind: 'status', status: 401, body, times: Infinity });
      return Promise.resolve();
    },
  ],
  ['is replaced by half a file', () => writeFile(file, pem().slice(0, 700))],
  ['is replaced by a malformed key', () => writeFile(file, pem().replace('MII', 'XII'))],
])('nothing leaks when the certificate %s', async (_name, arrange) => {
  await writeFile(file, pem());
  const one = await start({ AZURE_CLIENT_CERTIFICATE_PATH: file });
  await arrange();
  const responses = [await getToken(one), await getToken(one)];
  expect(emulator.callsTo('entra.token')).toBeGreaterThan(0);
  expectNothingLeaked(serverOutput(one, written, responses), linesOf(certificate.privateKey));
});

test.each<[string, (token: string) => Promise<unknown>]>([
  [
    'is accepted',
    () => {
      const { issuer, subject, jwks } = cluster;
      return Promise.resolve(
        emulator.applications.addFederatedCredential('AuthServer', { issuer, subject, jwks }),
      );
    },
  ],
  ['is not registered', () => Promise.resolve()],
  [
    'is refused with all secrets in the error of Entra ID',
    (token) => {
      emulator.fail({ operation: 'entra.token', kind: 'status', status: 401, body: echo(token) });
      return Promise.resolve();
    },
  ],
  ['is replaced by a part of itself', (token) => writeFile(file, token.slice(0, -400))],
])('nothing leaks when the token file %s', async (_name, arrange) => {
  const token = cluster.token();
  await writeFile(file, token);
  const one = await start({ AZURE_FEDERATED_TOKEN_FILE: file });
  await arrange(token);
  const responses = [await getToken(one), await getToken(one)];
  expectNothingLeaked(serverOutput(one, written, responses), partsOf(token));
});

test('a private key that is logged by mistake is redacted', () => {
  const lines: string[] = [];
  const log = createLogger({
    level: 'info',
    secrets: [],
    destination: { write: (line) => lines.push(line) },
  });
  log.info({ key: certificate.privateKey, half: certificate.privateKey.slice(0, 200) }, 'canary');
  expect(lines.join('')).toContain('canary');
  for (const line of linesOf(certificate.privateKey)) expect(lines.join('')).not.toContain(line);
});
