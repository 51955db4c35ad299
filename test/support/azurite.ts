import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { projectRoot } from '../../emulator/projectRoot';
import { freePort } from './serverProcess';

/** The one account of a Table service. */
export interface TableAccount {
  /** The service's address for the one account that it has, on loopback: https if it accepts tokens, otherwise http. */
  readonly endpoint: string;
  readonly accountName: string;
  /** Generated for this run. */
  readonly accountKey: string;
  /** The other one of the two keys that every account has. */
  readonly secondAccountKey: string;
  readonly connectionString: string;
  stop(): Promise<void>;
}

/** Azure's Table service, emulated by Microsoft's Azurite in a process of its own. It does not keep the process that started it alive. */
export interface Azurite extends TableAccount {
  /** Starts it again at the same address. The rows are there again only if it has a folder. */
  start(): Promise<void>;
}

/** For `beforeAll`: the first run on a machine installs Azurite. */
export const azuriteStartTimeoutInMs = 300_000;

const toolFolder = join(projectRoot(), 'tools/azurite');

export interface AzuriteOptions {
  /** Keeps the rows there; without it they are in memory, which is faster. */
  folder?: string;
  /** Accepts tokens of Entra ID, too, over TLS with these files. It checks audience, issuer and lifetime, but no signature. */
  tokensOverTls?: { certificateFile: string; keyFile: string };
}

/** The account that all test files share, with tables of their own: see `newTableName`. */
export async function openTableAccount(): Promise<TableAccount> {
  const shared = process.env[sharedAccount];
  return shared === undefined
    ? startAzurite()
    : { ...(JSON.parse(shared) as TableAccount), stop: () => Promise.resolve() };
}

/** `npm test` starts one Azurite for all of its workers, and puts its account here, as JSON: see sharedAzurite.ts. */
export const sharedAccount = 'TEST_TABLE_ACCOUNT';

/** Starts Azurite on a free port, with an account of its own. */
export async function startAzurite({ folder, tokensOverTls }: AzuriteOptions = {}): Promise<Azurite> {
  await install();
  const accountName = 'testaccount';
  const accountKey = randomBytes(64).toString('base64');
  const secondAccountKey = randomBytes(64).toString('base64');
  const port = await freePort();
  const protocol = tokensOverTls ? 'https' : 'http';
  const endpoint = `${protocol}://127.0.0.1:${port}/${accountName}`;
  let child: ChildProcess | undefined;
  const kill = () => void child?.kill('SIGKILL');

  async function start(): Promise<void> {
    process.once('exit', kill);
    const tls = tokensOverTls
      ? ['--cert', tokensOverTls.certificateFile, '--key', tokensOverTls.keyFile, '--oauth', 'basic']
      : [];
    const persistence = folder === undefined ? ['--inMemoryPersistence'] : ['--location', folder];
    child = spawn(
      process.execPath,
      [
        join(toolFolder, 'node_modules/azurite/dist/src/table/main.js'),
        ...['--tableHost', '127.0.0.1', '--tablePort', String(port)],
        // The SDK may use a newer version of the protocol than Azurite knows.
        ...['--skipApiVersionCheck', '--disableProductStyleUrl', '--disableTelemetry', '--silent'],
        ...tls,
        ...persistence,
      ],
      {
        cwd: tmpdir(),
        env: { PATH: process.env.PATH, AZURITE_ACCOUNTS: `${accountName}:${accountKey}:${secondAccountKey}` },
        stdio: ['ignore', 'pipe', 'pipe'],
      },
    );
    await hasStarted(child);
    child.unref();
    for (const stream of [child.stdout, child.stderr]) (stream as Socket).unref();
  }

  await start();
  return {
    endpoint,
    accountName,
    accountKey,
    secondAccountKey,
    connectionString: `DefaultEndpointsProtocol=${protocol};AccountName=${accountName};AccountKey=${accountKey};TableEndpoint=${endpoint};`,
    start,
    async stop() {
      process.off('exit', kill);
      if (child?.exitCode !== null || child.signalCode !== null) return;
      child.ref();
      const exited = once(child, 'exit');
      // Upon SIGINT it writes its rows to the folder.
      child.kill(folder === undefined ? 'SIGKILL' : 'SIGINT');
      await exited;
    },
  };
}

/** The name of a table that no other test uses. */
export function newTableName(): string {
  return `t${randomUUID().replaceAll('-', '')}`;
}

async function install(): Promise<void> {
  const installer = spawn(process.execPath, [join(toolFolder, 'install.mjs')], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const errors = collect(installer.stderr);
  const [code] = (await once(installer, 'close')) as [number | null];
  if (code !== 0) throw new Error(errors());
}

async function hasStarted(child: ChildProcess): Promise<void> {
  const errors = collect(child.stderr);
  const output = collect(child.stdout);
  await new Promise<void>((resolve, reject) => {
    child.once('exit', () => reject(new Error(`Azurite did not start: ${output()}${errors()}`)));
    child.stdout?.on('data', () => {
      if (output().includes('successfully started')) resolve();
    });
  });
}

function collect(stream: NodeJS.ReadableStream | null): () => string {
  const chunks: string[] = [];
  stream?.on('data', (chunk: Buffer) => chunks.push(chunk.toString()));
  return () => chunks.join('');
}
