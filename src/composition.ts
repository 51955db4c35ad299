import type { RequestHandler } from 'express';
import type { Log } from './log';
import type { Authenticate } from './authentication/app/appAuthentication';
import { composeAppAuthentication, composeProviders } from './composeProviders';
import type { Config } from './config/config';
import type { TelemetryConfig } from './config/telemetry';
import { createHttpClient } from './resilience/httpClient';
import { createPendingWork } from './resilience/pendingWork';
import type { RequestScope } from './requestScope';
import { createUpstream } from './resilience/upstream';
import { composeIdentities } from './composeIdentities';
import { createAcsIdentityClient } from './acs/acsIdentityClient';
import { type CommunicationUsers, createCommunicationUsers } from './identities/communicationUsers';
import { createIssuedTokenCache } from './tokens/issuedTokenCache';
import type { Telemetry } from './telemetry/telemetry';
import { defaultTimings, type Timings } from './timings';
import { createTeamsExchange, type ExchangeTeamsToken } from './tokens/teamsExchange';

/** The parts of the server, each built once; everything that an app needs to serve requests. */
export interface Services {
  /** Passes on requests with an authenticated user. */
  readonly requireUser: RequestHandler;
  /** Passes on requests whose caller may manage all users of their directory; absent if an app signs its users in itself. */
  readonly requireAdministrator: RequestHandler | undefined;
  readonly communicationUsers: CommunicationUsers;
  readonly exchangeTeamsToken: ExchangeTeamsToken;
  readonly requestTimeLimitInMs: number;
  /** Absent if telemetry is off. */
  readonly telemetry: Telemetry | undefined;
  /** Begins background work: loads the signing keys, and prepares the identity store. */
  start(): void;
  /** Whether requests can be served. Decided from memory, without a call. */
  isReady(): boolean;
  /** Why the identity store does not work, as a text for the operator. */
  notReadyReason(): string | undefined;
  /** Ends background work: waits for what must not be left half done, then closes connections. */
  stop(): Promise<void>;
}

export interface ServiceOptions {
  timings?: Timings | undefined;
  /** Absent: log lines and upstream calls do not carry the ids of their request. */
  scope?: RequestScope | undefined;
  /** Instead of the identity providers, in an app that signs its users in itself. */
  authenticate?: Authenticate | undefined;
}

/** The composition root. It starts nothing: call `start` for that. */
export async function createServices(
  config: Config,
  log: Log,
  { timings = defaultTimings, scope, authenticate }: ServiceOptions = {},
): Promise<Services> {
  const telemetry = config.telemetry && (await loadTelemetry(config.telemetry, timings, log));
  const requestScope = config.forwardRequestId ? scope : undefined;
  const http = createHttpClient(requestScope, telemetry);
  const providers = authenticate
    ? await composeAppAuthentication(authenticate, timings.requestInMs)
    : await composeProviders({ config, http, timings, log, telemetry });
  const acs = createAcsIdentityClient(
    config.communication,
    createUpstream({ name: 'Azure Communication Services', timings: timings.upstream, log, telemetry }),
    { ...timings.upstream, requestScope, telemetry },
  );
  const pendingWork = createPendingWork();
  const identities = await composeIdentities({
    config,
    acs,
    entra: providers.entra,
    http,
    pendingWork,
    requestScope,
    timings,
    log,
    telemetry,
  });
  // The store `acs` has no mappings to keep in memory.
  const mappingCache = config.identities.store === 'acs' ? undefined : config.identities.cache;
  const communicationUsers = createCommunicationUsers({
    lifecycle: identities.lifecycle,
    acs,
    issuedTokens: createIssuedTokenCache({
      reuseInMinutes: config.communication.tokenReuseInMinutes,
      size: config.communication.tokenCacheSize,
      checkAfterInMs: config.identities.reuseCheckInMs,
    }),
    pendingWork,
    mappingCacheSize: mappingCache?.size ?? 1,
    mappingCacheMinutes: mappingCache?.minutes ?? 0,
    workTimeLimitInMs: timings.workInMs,
    telemetry,
    reuseCheckInMs: timings.reuseCheckInMs,
  });

  return {
    requireUser: providers.requireUser,
    requireAdministrator: providers.requireAdministrator,
    communicationUsers,
    requestTimeLimitInMs: timings.requestInMs,
    telemetry,
    exchangeTeamsToken: createTeamsExchange(acs, timings.workInMs, telemetry),
    start() {
      providers.start();
      identities.start();
    },
    isReady: () => providers.isReady() && identities.unavailableReason() === undefined,
    notReadyReason: () => identities.unavailableReason(),
    async stop() {
      providers.stop();
      identities.stop();
      await pendingWork.idle();
      await http.close();
      await telemetry?.stop();
    },
  };
}

/** OpenTelemetry is loaded only if it is used. */
async function loadTelemetry(config: TelemetryConfig, timings: Timings, log: Log): Promise<Telemetry> {
  const { createTelemetry } = await import('./telemetry/openTelemetry.js');
  return createTelemetry(config, { timings: timings.telemetry, log });
}
