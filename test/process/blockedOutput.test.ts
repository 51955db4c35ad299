import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createReadStream, existsSync, mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { type Emulator, startEmulator } from '../../emulator/startEmulator';
import { projectRoot } from '../../emulator/projectRoot';
import { createLogger, createLogOutput } from '../../src/logger';
import { freePort } from '../support/serverProcess';
import { until } from '../support/until';

/** More than a pipe holds. */
const longText = 'x'.repeat(4_000);
const lineCount = 150;

/** Standard output that takes no more. */
const outputs: [name: string, open: () => 'pipe' | number][] = [['which nobody reads', () => 'pipe']];
if (existsSync('/dev/full')) outputs.push(['to a full disk', () => openSync('/dev/full', 'w')]);

describe.each(outputs)('with a standard output %s, the server', (name, open) => {
  let emulator: Emulator;
  let folder: string;
  beforeAll(async () => {
    emulator = await startEmulator();
    folder = mkdtempSync(join(tmpdir(), 'output-'));
  });
  afterAll(() => {
    rmSync(folder, { recursive: true });
    return emulator.stop();
  });

  it.each<[string, NodeJS.Signals]>([
    ['SIGTERM', 'SIGTERM'],
    ['an uncaught exception', 'SIGUSR2'],
  ])('serves requests, and ends on %s', (_cause, signal) => expectServedUntil(signal));

  // While nobody reads, writing traces blocks the process: they are for development.
  if (name === 'to a full disk')
    it('serves requests while it writes traces there, too', () =>
      expectServedUntil('SIGTERM', { OTEL_TRACES_EXPORTER: 'console' }));

  async function expectServedUntil(
    signal: NodeJS.Signals,
    settings: Record<string, string> = {},
  ): Promise<void> {
    const port = await freePort();
    const failing = join(folder, 'failing.cjs');
    writeFileSync(failing, "process.on('SIGUSR2', () => { throw new Error('uncaught'); });");
    const server = spawn(process.execPath, ['--require', failing, 'server.js'], {
      // Not in the project's folder, so that a developer's .env is not read.
      cwd: join(projectRoot(), 'dist'),
      env: {
        NODE_EXTRA_CA_CERTS: process.env.NODE_EXTRA_CA_CERTS,
        ...emulator.settings(),
        PORT: String(port),
        RATE_LIMIT_REJECTED: '0',
        OVERLOAD_WAIT_MS: '0',
        ...settings,
      },
      stdio: ['ignore', open(), 'ignore'],
    });
    const ended = once(server, 'exit');
    try {
      const statusOf = (path: string) =>
        fetch(`http://127.0.0.1:${port}${path}`, { signal: AbortSignal.timeout(60_000) }).then(
          ({ status }) => status,
          () => undefined,
        );
      await until(async () => (await statusOf('/health/ready')) === 200);
      for (let count = 0; count < lineCount; count += 1)
        expect(await statusOf(`/unknown/${longText}`)).toBe(404);
      server.kill(signal);
      await ended;
    } finally {
      server.kill('SIGKILL');
    }
  }
});

describe('a log whose output is blocked', () => {
  let folder: string;
  let output: ReturnType<typeof createLogOutput>;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'log-'));
    execFileSync('mkfifo', [join(folder, 'pipe')]);
    // Also for writing, so that opening it does not wait for a writer.
    output = createLogOutput(openSync(join(folder, 'pipe'), 'r+'), 50_000);
  });
  afterEach(() => {
    output.destroy();
    rmSync(folder, { recursive: true });
  });

  it('drops lines beyond its limit, and counts them when the output is read again', async () => {
    const log = createLogger({ level: 'info', secrets: [], destination: output });
    for (let count = 0; count < lineCount; count += 1) {
      log.info(longText);
      await setImmediate();
    }
    let text = '';
    createReadStream(join(folder, 'pipe')).on('data', (chunk) => (text += chunk.toString()));
    const readEntries = () => {
      const complete = text.split('\n').filter((line) => line.endsWith('}'));
      return complete.map((line) => JSON.parse(line) as { level: string; message: string; lines?: number });
    };
    // Each line was written, or is counted by a warning. There are two warnings if some lines were dropped while the first were written.
    await until(() => readEntries().reduce((total, { lines = 1 }) => total + lines, 0) === lineCount);
    const warnings = readEntries().filter(({ message }) => message !== longText);
    expect(warnings.length).toBeGreaterThan(0);
    for (const warning of warnings)
      expect(warning).toMatchObject({
        level: 'warn',
        message: expect.stringContaining('were dropped') as unknown,
      });
  });
});
