import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { projectCertificateFolder } from './certificates/certificateFolders';
import { parseLocalCommandLine } from './commandLine';
import {
  type DevelopmentEmulator,
  explainPublicNames,
  startDevelopmentEmulator,
} from './developmentEmulator';
import { type LocalStore, startLocalStore } from './localStore';
import { isTaken, onStopSignal, portFrom, portTaken, run } from './program';
import { projectRoot } from './projectRoot';
import { createStyle } from './terminal';
import { type TokenFiles, writeTokenFiles } from './tokenFiles';

const readyWithinInMs = 30_000;
const stopsWithinInMs = 20_000;

/** `npm run local`: the emulator in this process; the server in its own, as it is deployed. */
run(async () => {
  const commandLine = parseLocalCommandLine(process.argv.slice(2), process.env);
  const port = portFrom('PORT', 3000);
  const playgroundPort = portFrom('PLAYGROUND_PORT', 5173);
  await assertPortIsFree(port, 'PORT');
  await assertPortIsFree(playgroundPort, 'PLAYGROUND_PORT');
  const development = await startDevelopmentEmulator(commandLine, projectCertificateFolder());
  const playgroundUrl = `http://localhost:${playgroundPort}`;
  const store = await startLocalStore(commandLine.store);
  process.on('exit', () => store.stop());
  const server = startServer(port, playgroundUrl, development, {
    ...store.settings,
    ...(commandLine.trace ? { OTEL_TRACES_EXPORTER: 'console' } : {}),
  });
  const playground = startPlayground(port, playgroundPort, development);
  // However this process ends, no server keeps running.
  process.on('exit', () => [server, playground].forEach((candidate) => candidate.kill('SIGKILL')));

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
  const files = writeTokenFiles(development.emulator);
  process.on('exit', () => files.remove());
  process.stdout.write(welcome(url, playgroundUrl, development, store, files));
});

/** The server would report it too, but only after the emulator has started. */
async function assertPortIsFree(port: number, setting: string): Promise<void> {
  const probe = createServer();
  try {
    probe.listen(port);
    await once(probe, 'listening');
  } catch (error) {
    throw isTaken(error) ? new Error(portTaken(port, setting)) : error;
  } finally {
    probe.close();
  }
}

function startServer(
  port: number,
  playgroundUrl: string,
  { emulator, authorityFile }: DevelopmentEmulator,
  settings: Readonly<Record<string, string>>,
): ChildProcess {
  const entry = join(projectRoot(), 'dist', 'server.js');
  if (!existsSync(entry)) throw new Error(`${entry} is missing. Run: npm run build`);
  return spawn(process.execPath, [entry], {
    cwd: projectRoot(),
    stdio: ['ignore', 'inherit', 'inherit'],
    env: {
      LOG_LEVEL: 'warn',
      ...process.env,
      ...emulator.settings(),
      ...settings,
      CORS_ALLOWED_ORIGINS: [playgroundUrl, process.env.CORS_ALLOWED_ORIGINS].filter(Boolean).join(','),
      PORT: String(port),
      NODE_EXTRA_CA_CERTS: authorityFile,
    },
  });
}

/** The page that calls the server from a browser, from another origin. */
function startPlayground(apiPort: number, port: number, { emulator }: DevelopmentEmulator): ChildProcess {
  const entry = join(projectRoot(), 'build', 'playground', 'main.js');
  if (!existsSync(entry)) throw new Error(`${entry} is missing. Run: npm run build:playground`);
  return spawn(process.execPath, [entry], {
    cwd: projectRoot(),
    stdio: ['ignore', 'ignore', 'inherit'],
    env: {
      ...process.env,
      PLAYGROUND_PORT: String(port),
      PLAYGROUND_AUTHORITY: `${emulator.url}/${emulator.tenantId}`,
      PLAYGROUND_CLIENT_ID: emulator.authClient.clientId,
      PLAYGROUND_API_SCOPE: `${emulator.authServer.appIdUri}/access_as_user`,
      PLAYGROUND_API_URL: `http://localhost:${apiPort}`,
    },
  });
}

async function untilReady(url: string, isCancelled: () => boolean): Promise<void> {
  const deadline = Date.now() + readyWithinInMs;
  while (!isCancelled()) {
    const answer = await fetch(`${url}/health/ready`).catch(() => undefined);
    if (answer?.ok) return;
    if (Date.now() > deadline) throw new Error(`The server is not ready after ${readyWithinInMs / 1000} s.`);
    await sleep(100);
  }
}

/** The server first: its requests in flight still need the emulator. */
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

/** One screen of 80 columns and 24 rows, ready to paste from. */
function welcome(
  url: string,
  playgroundUrl: string,
  { emulator }: DevelopmentEmulator,
  store: LocalStore,
  files: TokenFiles,
): string {
  const { strong, faint } = createStyle(process.stdout, process.env);
  const alice = `-H "@${files.alice}"`;
  const carol = `-H "@${files.carol}" -H "@${files.carolTeams}"`;
  return `
  ${strong('ACS authentication server')} on the local emulator. Nothing leaves this machine.

  Playground  ${strong(playgroundUrl)}   open this first, and sign in as Alice
  API         ${url}   try it on ${url}/docs
  Emulator    ${emulator.url}  ${store.description}

  The browser must trust the emulator: open ${emulator.url}, choose
  Advanced, then Proceed. In a terminal:

${faint('  # Get a token; creates the identity of Alice on first use')}
curl -w "\\n" ${alice} ${url}/getToken
${faint("  # Exchange a Teams user's token")}
curl -w "\\n" ${carol} ${url}/exchangeToken
${faint('  # Find the identity, or create it without a token')}
curl -w "\\n" ${alice} ${url}/api/user
curl -w "\\n" -X POST ${alice} ${url}/api/user
${faint('  # Delete it')}
curl -i -X DELETE ${alice} ${url}/deleteUser

${explainPublicNames(emulator)}  Another token: npm run -s token -- --user bob       More: docs/emulator.md
  Ctrl-C stops everything.
`;
}
