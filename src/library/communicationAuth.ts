import type { IncomingMessage, ServerResponse } from 'node:http';
import { setTimeout as wait } from 'node:timers/promises';
import type { Request, RequestHandler, Response } from 'express';
import { createServices, type Services } from '../composition';
import type { Config } from '../config/config';
import { secretsOf } from '../config/secrets';
import { CertificateFileError } from '../entra/clientCredential/certificate';
import { createOperations } from '../http/operations';
import { type Log, silentLog } from '../log';
import { createHostLog } from './hostLog';
import { type ReadCommunicationAuthSettings, readCommunicationAuthSettings } from './readSettings';
import { createRouter } from './router';
import type { CommunicationAuthSettings } from './settings';

/** The API in an app of your own, and its life cycle. */
export interface CommunicationAuth {
  /**
   * The operations, for `app.use`, with or without a path. With Node's types, so that it fits the declarations of Express 4 and 5, which
   * extend them.
   */
  readonly router: (
    request: IncomingMessage,
    response: ServerResponse,
    next: (error?: unknown) => void,
  ) => void;
  /**
   * Resolves once requests can be served: the signing keys are loaded and the store is prepared. It waits as long as a service is down,
   * so an app need not wait for it before it listens. Rejects if the settings cannot be used, and after `stop`.
   */
  readonly ready: () => Promise<void>;
  /** Whether requests can be served, for a health check. Decided from memory, without a call. */
  readonly isReady: () => boolean;
  /**
   * Completes creations and deletions that continue without their caller, ends background work, and closes connections. Call it when your
   * server has closed.
   */
  readonly stop: () => Promise<void>;
}

/**
 * The API as a router for an Express app. It begins to load signing keys and to prepare the store, in the background. It does not read
 * the environment, does not listen, and shares nothing with another one in the process. Throws ConfigError if an option is missing or
 * malformed, with one message that lists them all.
 */
export function createCommunicationAuth(settings: CommunicationAuthSettings): CommunicationAuth {
  const { config, authenticate, logger, nameOptions } = readCommunicationAuthSettings(settings);
  const log = logger ? createHostLog(logger, { secrets: secretsOf(config), nameOptions }) : silentLog;
  const starting = start(config, log, authenticate).catch((error: unknown) => {
    throw error instanceof CertificateFileError
      ? new CertificateFileError(nameOptions(error.message))
      : error;
  });
  let started: Started | undefined;
  let stopped: Promise<void> | undefined;
  starting.then(
    (parts) => {
      started = parts;
      if (!stopped) parts.services.start();
    },
    (error: unknown) => log.error({ err: error }, 'the communication API cannot start'),
  );

  async function stop(): Promise<void> {
    const parts = await starting.catch(() => undefined);
    await parts?.services.stop();
  }

  const router = createRouter({
    operations: (request, response, next) => {
      if (started) return started.operations(request, response, next);
      return starting.then(({ operations }) => operations(request, response, next));
    },
    rejectedLimit: config.rateLimits.rejected,
    log,
  });

  return {
    // The app's Express has made them its own.
    router: (request, response, next) => router(request as Request, response as Response, next),
    async ready() {
      const { services } = await starting;
      while (!services.isReady()) {
        if (stopped) break;
        await wait(readinessPollInMs);
      }
      if (stopped) throw new Error('stopped');
    },
    isReady: () => started !== undefined && !stopped && started.services.isReady(),
    stop: () => (stopped ??= stop()),
  };
}

const readinessPollInMs = 25;

interface Started {
  readonly services: Services;
  readonly operations: RequestHandler;
}

/** The parts of the chosen store and providers are loaded first, and a certificate is read. */
async function start(
  config: Config,
  log: Log,
  authenticate: ReadCommunicationAuthSettings['authenticate'],
): Promise<Started> {
  const services = await createServices(config, log, { authenticate });
  // An app may have a path /api/users/:id of its own, which a router at its root would take away.
  const forUsersOnly: Services = { ...services, requireAdministrator: undefined };
  return { services, operations: createOperations({ config, services: forUsersOnly, log }) };
}
