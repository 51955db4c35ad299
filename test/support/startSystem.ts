import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import request, { type Test } from 'supertest';
import { type Emulator, startEmulator } from '../../emulator/startEmulator';
import { createApp } from '../../src/app';
import { loadConfig } from '../../src/config/config';
import { secretsOf } from '../../src/config/secrets';
import { createRequestScope } from '../../src/requestScope';
import { createAcceptDelay } from '../../src/http/server/acceptDelay';
import { createHttpServer } from '../../src/http/server/httpServer';
import { createLogger } from '../../src/logger';
import { createServices } from '../../src/composition';
import type { Timings } from '../../src/timings';
import { fastTimings } from './fastTimings';
import { until } from './until';
import { assertMatchesOpenApi } from './assertMatchesOpenApi';

export interface TestServer {
  readonly url: string;
  /** The lines it has logged. */
  readonly rawLog: string[];
  /** A call with this bearer token; none if undefined. Fails if openapi.yaml does not allow the response. */
  call(
    method: 'get' | 'post' | 'delete' | 'put' | 'head' | 'options',
    path: string,
    accessToken?: string,
  ): Test;
  /** Waits until the signing keys are loaded, without requests of the test. */
  ready(): Promise<void>;
  stop(): Promise<void>;
}

export interface System extends TestServer {
  readonly emulator: Emulator;
  /** Starts another server on the same emulator, like a second process. */
  startAnother(settings?: Record<string, string>, timings?: Timings): Promise<TestServer>;
}

/** Limits are off, because tests make many calls, on machines that may be busy. Caches are small: the memory that the default ones reserve takes time. */
const testSettings = {
  RATE_LIMIT_USER: '0',
  RATE_LIMIT_REJECTED: '0',
  OVERLOAD_WAIT_MS: '0',
  TOKEN_CACHE_SIZE: '200',
  IDENTITY_CACHE_SIZE: '200',
  OBO_TOKEN_CACHE_SIZE: '200',
  BEARER_TOKEN_CACHE_SIZE: '200',
};

/** The production app with the real SDKs, on free ports, with a new emulator. */
export async function startSystem(
  settings: Record<string, string> = {},
  timings: Timings = fastTimings,
): Promise<System> {
  const emulator = await startEmulator();
  const servers: TestServer[] = [];
  const startAnother = async (more: Record<string, string> = {}, serverTimings = timings) => {
    const server = await startServer(
      { ...emulator.settings(), ...testSettings, ...settings, ...more },
      serverTimings,
    );
    servers.push(server);
    return server;
  };
  const server = await startAnother();
  return {
    ...server,
    emulator,
    startAnother,
    async stop() {
      await Promise.all(servers.map((one) => one.stop()));
      await emulator.stop();
    },
  };
}

export async function startServer(
  environment: Record<string, string>,
  timings: Timings = fastTimings,
): Promise<TestServer> {
  const config = loadConfig(environment);
  const scope = createRequestScope(config);
  const rawLog: string[] = [];
  const log = createLogger({
    level: environment.LOG_LEVEL ?? 'debug',
    secrets: secretsOf(config),
    ...(scope ? { requestIds: () => scope.current() } : {}),
    destination: { write: (line) => void rawLog.push(line) },
  });
  const services = await createServices(config, log, { timings, scope });
  const acceptDelay = createAcceptDelay();
  const app = createApp({ config, services, log, scope, acceptDelay, isAcceptingWork: () => true });
  const { server } = createHttpServer(app, config.errorDocumentation);
  acceptDelay.watch(server);
  // Longer than any test, so that no connection is closed while the next request is on its way.
  server.keepAliveTimeout = 600_000;
  services.start();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  let stopped = false;

  return {
    url,
    rawLog,
    call(method, path, accessToken) {
      const test = request(url)
        [method](path)
        .expect((response) => assertMatchesOpenApi(method, path, response));
      return accessToken === undefined ? test : test.set('Authorization', `Bearer ${accessToken}`);
    },
    async ready() {
      await until(() => services.isReady());
    },
    async stop() {
      if (stopped) return;
      stopped = true;
      await close(server);
      await services.stop();
      scope?.close();
    },
  };
}

async function close(server: Server): Promise<void> {
  const closed = new Promise((resolve) => server.close(resolve));
  server.closeAllConnections();
  await closed;
}
