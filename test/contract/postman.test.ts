import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { authClient, authServer, tenantId } from '../../emulator/seed';
import { startReadySystem } from '../support/readySystem';
import { type System } from '../support/startSystem';
import { methods, readOpenApiDocument } from './openApiDocument';
import {
  collectionFile,
  environmentFile,
  readCollectionRequests,
  readEnvironment,
} from './postmanCollection';

const requests = readCollectionRequests();

interface Report {
  run: {
    executions: { item: { name: string }; assertions?: unknown[] }[];
    failures: { error: { message: string } }[];
  };
}

describe('the Postman collection', () => {
  let system: System;
  beforeAll(async () => (system = await startReadySystem()));
  afterAll(() => system.stop());

  it('passes against the emulator, run by newman', async () => {
    const report = await runNewman('emulator', { baseUrl: system.url, emulatorUrl: system.emulator.url });
    expect(failuresOf(report)).toEqual([]);
    expect(testedRequests(report)).toEqual(requests.map(({ name }) => name));
    expect(system.emulator.identities()).toEqual([]);
  }, 120_000);

  it('skips deletion and Teams exchange against Azure by default', async () => {
    const { emulator, url } = system;
    const accessToken = emulator.accessToken({ user: emulator.addUser() });
    const report = await runNewman('azure', { baseUrl: url, accessToken });
    expect(failuresOf(report)).toEqual([]);
    const needsMore = /^(Exchange|Delete|Erase|Find no|Find any|Get a token for a new)/;
    expect(testedRequests(report)).toEqual(
      requests.map(({ name }) => name).filter((name) => !needsMore.test(name)),
    );
    expect(emulator.identities()).toHaveLength(1);
  }, 120_000);

  it('calls every operation of openapi.yaml', () => {
    const called = new Set(requests.map(({ method, path }) => `${method} ${path}`));
    const operations = Object.entries(readOpenApiDocument().paths).flatMap(([path, item]) =>
      methods.filter((method) => item[method]).map((method) => `${method.toUpperCase()} ${path}`),
    );
    expect(operations.filter((operation) => !called.has(operation))).toEqual([]);
  });

  it('has the same variables for Azure as for the emulator, and no secrets', () => {
    const { emulatorUrl, emulatorUser, ...emulator } = readEnvironment('emulator');
    const azure = readEnvironment('azure');
    expect(Object.keys(azure)).toEqual(Object.keys(emulator));
    expect([emulatorUrl, emulatorUser]).not.toContain(undefined);
    const { clientSecret, accessToken, teamsUserAadToken, mayDelete } = azure;
    expect({ clientSecret, accessToken, teamsUserAadToken, mayDelete }).toEqual({
      clientSecret: '',
      accessToken: '',
      teamsUserAadToken: '',
      mayDelete: 'false',
    });
    expect(emulator).toMatchObject({
      tenantId,
      serverClientId: authServer.clientId,
      clientId: authClient.clientId,
      clientSecret: authClient.clientSecret,
      accessToken: '',
      teamsUserAadToken: '',
    });
  });
});

/** In a separate process, as users run it; it trusts the same certificate as this process. */
async function runNewman(
  environment: 'emulator' | 'azure',
  variables: Record<string, string>,
): Promise<Report> {
  const folder = mkdtempSync(join(tmpdir(), 'newman-'));
  try {
    const reportFile = join(folder, 'report.json');
    const newman = spawn(
      process.execPath,
      [
        require.resolve('newman/bin/newman.js'),
        ...['run', collectionFile, '--environment', environmentFile(environment)],
        ...Object.entries(variables).flatMap(([name, value]) => ['--env-var', `${name}=${value}`]),
        ...['--reporters', 'cli,json', '--reporter-json-export', reportFile, '--color', 'off'],
        ...['--timeout-request', '20000'],
      ],
      { stdio: ['ignore', 'pipe', 'pipe'] },
    );
    const exit = new Promise((resolve) => newman.once('exit', resolve));
    const [code, output, errors] = await Promise.all([exit, text(newman.stdout), text(newman.stderr)]);
    if (code !== 0) throw new Error(`newman failed (${String(code)})\n${output}${errors}`);
    return JSON.parse(readFileSync(reportFile, 'utf8')) as Report;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function failuresOf({ run }: Report): string[] {
  return run.failures.map(({ error }) => error.message);
}

/**
 * The names of the requests that were sent: they have at least one assertion of the collection and one of the request.
 * A skipped request has none. Calls from a request's scripts are listed under the same name.
 */
function testedRequests({ run }: Report): string[] {
  const counts = new Map(run.executions.map(({ item, assertions = [] }) => [item.name, assertions.length]));
  return [...counts].filter(([, count]) => count >= 2).map(([name]) => name);
}
