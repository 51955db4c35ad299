import type { Server } from 'node:http';
import { setFlagsFromString } from 'node:v8';
import type { Logger } from 'pino';
import { createApp } from './app';
import { waitAtMost } from './resilience/deadline';
import { type Config, ConfigError, loadConfig } from './config/config';
import { secretsOf } from './config/secrets';
import { loadSettingsFile } from './config/settingsFile';
import { CertificateFileError } from './entra/clientCredential/certificate';
import { createAcceptDelay } from './http/server/acceptDelay';
import { createHttpServer } from './http/server/httpServer';
import { createLogger } from './logger';
import { createServices } from './composition';
import { createRequestScope } from './requestScope';

/** Reads the settings, starts the server and shuts it down on a signal. */
async function main(): Promise<void> {
  limitMemory();
  loadSettingsFile();
  const config = readConfigOrExit();
  const scope = createRequestScope(config);
  const log = createLogger({
    level: config.logLevel,
    secrets: secretsOf(config),
    ...(scope ? { requestIds: () => scope.current() } : {}),
  });
  const services = await createServices(config, log, { scope }).catch(exitIfUnusable);
  let shuttingDown = false;
  const acceptDelay = createAcceptDelay();
  const app = createApp({ config, services, log, scope, acceptDelay, isAcceptingWork: () => !shuttingDown });
  const { server, drain } = createHttpServer(app, config.errorDocumentation);
  acceptDelay.watch(server);
  setServerTimeouts(server);

  process.once('uncaughtException', (error) => {
    log.fatal({ err: error }, 'uncaught exception');
    flushAndExit(log, 1);
  });
  server.once('error', (error: NodeJS.ErrnoException) => exitWithoutPort(config.port, error));
  server.listen(config.port, () => {
    log.info(
      {
        port: addressPort(server),
        providers: config.providers.map(({ name }) => name),
        authority: config.entra?.authorityHost,
        tenant: config.entra?.tenantId,
      },
      'listening',
    );
    services.start();
  });

  const shutDown = (signal: NodeJS.Signals) => {
    if (shuttingDown) return;
    shuttingDown = true;
    log.info({ signal }, 'shutting down: completing in-flight requests');
    void drain(signal === 'SIGTERM' ? readinessGraceInMs : 0)
      .then(() => waitAtMost(services.stop(), stopTimeLimitInMs))
      .then((done) => {
        if (!done)
          log.warn('stopping with unfinished work: an identity may be orphaned, or a deletion incomplete');
        log.info('stopped');
      })
      .finally(() => flushAndExit(log, 0));
  };
  process.on('SIGTERM', shutDown);
  process.on('SIGINT', shutDown);
}

function exitWithoutPort(port: number, error: NodeJS.ErrnoException): never {
  process.stderr.write(
    error.code === 'EADDRINUSE'
      ? `Port ${port} is in use. Stop the program that uses it, or set PORT to another port.\n`
      : `Cannot listen on port ${port}: ${error.message}\n`,
  );
  process.exit(1);
}

const flushTimeLimitInMs = 3_000;

function flushAndExit(log: Logger, code: number): void {
  log.flush(() => process.exit(code));
  // Nobody reads the log: a normal exit would wait for that, too.
  setTimeout(() => process.kill(process.pid, 'SIGKILL'), flushTimeLimitInMs).unref();
}

/**
 * V8's defaults cost more memory than this server needs to be fast. The V8 of Node 20 to 24 knows both options; a later one
 * that does not would only print a message.
 * - A small heap may grow to a multiple of its live objects before garbage is collected: 300 MB for 50 MB of caches. With a
 *   growth of 20 % the process stays at 180 MB and uses at most 5 % more CPU (measured with 8,000 new users).
 * - After the first few responses, V8 optimizes undici's parser (WebAssembly), which takes 120 ms of CPU and 35 MB for one
 *   huge function, and an idle process often keeps 10 MB of them. With this budget, it happens only under load.
 */
function limitMemory(): void {
  setFlagsFromString('--heap-growing-percent=20');
  setFlagsFromString('--wasm-tiering-budget=100000000');
}

function readConfigOrExit(): Config {
  try {
    return loadConfig(process.env);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    process.stderr.write(`${error.message}\n`);
    process.exit(1);
  }
}

/** A certificate is read at the start, so that the operator learns of a wrong file before users do. */
function exitIfUnusable(error: unknown): never {
  if (!(error instanceof CertificateFileError)) throw error;
  process.stderr.write(`The server cannot start: ${error.message}.\n`);
  process.exit(1);
}

/** Longer than the idle timeout of the Azure App Service front ends, so that they close idle connections, not the server. */
const keepAliveInMs = 245_000;

function setServerTimeouts(server: Server): void {
  server.keepAliveTimeout = keepAliveInMs;
  server.headersTimeout = 15_000;
  server.requestTimeout = 30_000;
}

/** How long new requests are accepted after readiness has changed to 503, so that load balancers can notice. */
const readinessGraceInMs = 1_000;
const stopTimeLimitInMs = 15_000;

function addressPort(server: Server): number | undefined {
  const address = server.address();
  return typeof address === 'object' ? address?.port : undefined;
}

void main();
