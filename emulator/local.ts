import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { projectCertificateFolder } from './certificates/certificateFolders';
import { parseLocalCommandLine } from './commandLine';
import { type DevelopmentEmulator, startDevelopmentEmulator } from './developmentEmulator';
import { type LocalProvider, localProvider } from './localProvider';
import { type LocalStore, startLocalStore } from './localStore';
import { playgroundSignIn } from './playgroundSignIn';
import { isPortInUse, onStopSignal, portFrom, portInUseMessage, run } from './program';
import { projectRoot } from './projectRoot';
import { showRequestLines } from './requestLines';
import { recordTableCalls } from './tableRelay';
import { createStyle } from './terminal';
import { createWelcome } from './welcome';

const readyWithinInMs = 30_000;
const stopsWithinInMs = 20_000;

/** `npm run local`: the emulator in this process, the server in a separate one, as it is deployed. */
run(async () => {
  const commandLine = parseLocalCommandLine(process.argv.slice(2), process.env);
  const port = portFrom('PORT', 3000);
  const playgroundPort = portFrom('PLAYGROUND_PORT', 5173);
  await assertPortIsFree(port, 'PORT');
  await assertPortIsFree(playgroundPort, 'PLAYGROUND_PORT');
  const development = await startDevelopmentEmulator(commandLine, projectCertificateFolder());
  const { emulator } = development;
  const provider = localProvider(commandLine.provider, emulator);
  const playgroundUrl = `http://localhost:${playgroundPort}`;
  const store = await startLocalStore(commandLine.store);
  process.on('exit', () => store.stop());
  const storeSettings = await recordTableCalls(store.settings, emulator);
  const signIn = provider.name === 'entra' ? { API_DOCS_CLIENT_ID: emulator.authClient.clientId } : {};
  const settings = { ...emulator.settings(), ...provider.settings, ...storeSettings, ...signIn };
  const server = startServer(port, development, {
    ...settings,
    ...(commandLine.trace ? { OTEL_TRACES_EXPORTER: 'console' } : {}),
  });
  const playground = startPlayground(port, playgroundPort, development, { provider, store });
  const programs = [server, playground];
  // Leave no server running, however this process ends.
  process.on('exit', () => programs.forEach((program) => program.kill('SIGKILL')));

  const state = { stopping: false };
  onStopSignal(() => {
    state.stopping = true;
    void stop(server, development);
  });
  server.once('exit', (code, signal) => {
    if (state.stopping) return;
    process.stderr.write(
      `The server stopped unexpectedly (${signal ?? `exit code ${code ?? 'unknown'}`}).\n`,
    );
    process.exit(1);
  });

  const url = `http://localhost:${port}`;
  await untilReady(url, () => state.stopping);
  if (state.stopping) return;
  const welcome = createWelcome({ url, playgroundUrl, emulator, provider, store, settings });
  process.on('exit', () => welcome.files.remove());
  process.stdout.write(welcome.text);
});

/** The server would report it too, but only after the emulator has started. */
async function assertPortIsFree(port: number, setting: string): Promise<void> {
  const probe = createServer();
  try {
    probe.listen(port);
    await once(probe, 'listening');
  } catch (error) {
    throw isPortInUse(error) ? new Error(portInUseMessage(port, setting)) : error;
  } finally {
    probe.close();
  }
}

function startServer(
  port: number,
  { emulator, authorityFile }: DevelopmentEmulator,
  settings: Record<string, string>,
): ChildProcess {
  const entry = join(projectRoot(), 'dist', 'server.js');
  if (!existsSync(entry)) throw new Error(`${entry} is missing. Run: npm run build`);
  // With a log level set, show the log itself.
  const showsLog = Boolean(process.env.LOG_LEVEL);
  const server = spawn(process.execPath, [entry], {
    cwd: projectRoot(),
    stdio: ['ignore', showsLog ? 'inherit' : 'pipe', 'inherit'],
    env: {
      LOG_LEVEL: 'info',
      ...process.env,
      ...settings,
      CORS_ALLOWED_ORIGINS: ['loopback', process.env.CORS_ALLOWED_ORIGINS].filter(Boolean).join(','),
      PORT: String(port),
      FORWARD_REQUEST_ID: 'on',
      NODE_EXTRA_CA_CERTS: authorityFile,
    },
  });
  if (server.stdout) {
    const write = (line: string): void => void process.stdout.write(`${line}\n`);
    const style = createStyle(process.stdout, process.env);
    showRequestLines({ log: server.stdout, emulator, style, write });
  }
  return server;
}

/** The page that calls the server from a browser, from another origin. */
function startPlayground(
  apiPort: number,
  port: number,
  { emulator, authorityFile }: DevelopmentEmulator,
  { provider, store }: { provider: LocalProvider; store: LocalStore },
): ChildProcess {
  const entry = join(projectRoot(), 'build', 'playground', 'main.js');
  if (!existsSync(entry)) throw new Error(`${entry} is missing. Run: npm run build:playground`);
  return spawn(process.execPath, [entry], {
    cwd: projectRoot(),
    stdio: ['ignore', 'ignore', 'inherit'],
    env: {
      ...process.env,
      PLAYGROUND_PORT: String(port),
      ...playgroundSignIn(provider.name, emulator),
      PLAYGROUND_API_URL: `http://localhost:${apiPort}`,
      PLAYGROUND_EMULATOR_URL: emulator.url,
      IDENTITY_STORE: store.settings.IDENTITY_STORE,
      NODE_EXTRA_CA_CERTS: authorityFile,
    },
  });
}

async function untilReady(url: string, isCancelled: () => boolean): Promise<void> {
  const deadline = Date.now() + readyWithinInMs;
  while (!isCancelled()) {
    const response = await fetch(`${url}/health/ready`).catch(() => undefined);
    if (response?.ok) return;
    if (Date.now() > deadline) throw new Error(`The server is not ready after ${readyWithinInMs / 1000} s.`);
    await sleep(25);
  }
}

/** The server first: its in-flight requests still need the emulator. */
async function stop(server: ChildProcess, { emulator }: DevelopmentEmulator): Promise<void> {
  if (server.exitCode === null && server.signalCode === null) {
    const exited = once(server, 'exit');
    server.kill('SIGTERM');
    const inTime = await Promise.race([exited, sleep(stopsWithinInMs, undefined, { ref: false })]);
    if (!inTime) server.kill('SIGKILL');
  }
  await emulator.stop();
  process.exit(0);
}
