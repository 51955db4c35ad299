import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  type DevelopmentEmulator,
  isTaken,
  listUsers,
  onStopSignal,
  portFrom,
  portTaken,
  run,
  startDevelopmentEmulator,
} from './developmentEmulator';
import { projectRoot } from './projectRoot';

const readyWithinInMs = 30_000;
const stopsWithinInMs = 20_000;

/** `npm run local`: the emulator in this process, and the server as its own, as it is deployed. */
run(async () => {
  const port = portFrom('PORT', 3000);
  const playgroundPort = portFrom('PLAYGROUND_PORT', 5173);
  await refuseTakenPort(port, 'PORT');
  await refuseTakenPort(playgroundPort, 'PLAYGROUND_PORT');
  const development = await startDevelopmentEmulator();
  const playgroundUrl = `http://localhost:${playgroundPort}`;
  const server = startServer(port, playgroundUrl, development);
  const playground = startPlayground(port, playgroundPort, development);
  // However this process ends, it leaves no server behind.
  process.on('exit', () => [server, playground].forEach((each) => each.kill('SIGKILL')));

  const state = { stopping: false };
  onStopSignal(() => {
    state.stopping = true;
    void stop(server, development);
  });
  server.once('exit', (code, signal) => {
    if (state.stopping) return;
    process.stderr.write(`The server stopped by itself (${signal ?? `exit code ${code ?? 'unknown'}`}).\n`);
    process.exit(1);
  });

  const url = `http://localhost:${port}`;
  await untilReady(url, () => state.stopping);
  if (!state.stopping) process.stdout.write(welcome(url, playgroundUrl, development));
});

/** The server would say so too, but only after the emulator has said that all is well. */
async function refuseTakenPort(port: number, setting: string): Promise<void> {
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
): ChildProcess {
  const entry = join(projectRoot, 'dist', 'server.js');
  if (!existsSync(entry)) throw new Error(`${entry} is missing: npm run build makes it.`);
  return spawn(process.execPath, [entry], {
    cwd: projectRoot,
    stdio: ['ignore', 'inherit', 'inherit'],
    env: {
      LOG_LEVEL: 'warn',
      ...process.env,
      ...emulator.settings(),
      CORS_ALLOWED_ORIGINS: [playgroundUrl, process.env.CORS_ALLOWED_ORIGINS].filter(Boolean).join(','),
      PORT: String(port),
      NODE_EXTRA_CA_CERTS: authorityFile,
    },
  });
}

/** The page that calls the server from a browser, of another origin. */
function startPlayground(apiPort: number, port: number, { emulator }: DevelopmentEmulator): ChildProcess {
  const entry = join(projectRoot, 'build', 'playground', 'main.js');
  if (!existsSync(entry)) throw new Error(`${entry} is missing: npm run build:playground makes it.`);
  return spawn(process.execPath, [entry], {
    cwd: projectRoot,
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

async function untilReady(url: string, givenUp: () => boolean): Promise<void> {
  const deadline = Date.now() + readyWithinInMs;
  while (!givenUp()) {
    const answer = await fetch(`${url}/health/ready`).catch(() => undefined);
    if (answer?.ok) return;
    if (Date.now() > deadline) throw new Error(`The server is not ready after ${readyWithinInMs / 1000} s.`);
    await sleep(100);
  }
}

/** The server first: what it has in hand still needs the emulator. */
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

function welcome(
  url: string,
  playgroundUrl: string,
  { emulator, authorityFile }: DevelopmentEmulator,
): string {
  const alice = `-H "Authorization: Bearer ${emulator.accessToken({ user: 'alice' })}"`;
  const carol = `-H "Authorization: Bearer ${emulator.accessToken({ user: 'carol' })}"`;
  const teams = `-H "teams-user-aad-token: ${emulator.teamsToken({ user: 'carol' })}"`;
  return `
Server      ${url}
Playground  ${playgroundUrl}   the same in a browser; docs/single-page-app.md says how it comes to trust the emulator
Emulator    ${emulator.url}   Entra ID, Microsoft Graph and ACS Identity on this machine

Users
${listUsers(emulator)}

One call for each operation; the tokens are good for an hour.

# A communication token for Alice, whose identity is created the first time (200)
curl -sS -i -w "\\n" ${alice} ${url}/getToken

# A Teams user's token for Carol (200)
curl -sS -i -w "\\n" -X POST ${carol} ${teams} ${url}/exchangeToken

# Alice's communication identity (200), or created without a token (201, or 200 if there was one)
curl -sS -i -w "\\n" ${alice} ${url}/api/user
curl -sS -i -w "\\n" -X POST ${alice} ${url}/api/user

# All of it deleted again (204)
curl -sS -i -w "\\n" -X DELETE ${alice} ${url}/deleteUser

Another token            npm run -s token -- --user bob
The emulator's controls  curl -sS --cacert "${authorityFile}" ${emulator.url}/_emulator/
Each request in the log  LOG_LEVEL=info npm run local
Ctrl-C stops both.
`;
}
