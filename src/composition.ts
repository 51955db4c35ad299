import type { RequestHandler } from 'express';
import type { Logger } from 'pino';
import { createBearerAuthentication } from './authentication/bearerAuthentication';
import { createChallenges } from './authentication/challenge';
import { createEntraAuthority, type EntraAuthority } from './entra/entraAuthority';
import type { Config } from './config/config';
import { createHttpClient } from './resilience/httpClient';
import { createUpstream } from './resilience/upstream';
import { createAcsIdentityClient } from './acs/acsIdentityClient';
import { type CommunicationUsers, createCommunicationUsers } from './identities/communicationUsers';
import { createExtensionClient } from './graph/extensionClient';
import { createGraphMappingStore } from './identities/stores/graph/graphMappingStore';
import { createIdentityLifecycle } from './identities/identityLifecycle';
import { createIssuedTokenCache } from './tokens/issuedTokenCache';
import { createOrphanCleanup } from './identities/orphanCleanup';
import { createMappingSeal } from './identities/stores/graph/mappingSeal';
import { createOboTokens } from './entra/oboTokens';
import { defaultTimings, type Timings } from './timings';
import { createTeamsExchange, type ExchangeTeamsToken } from './tokens/teamsExchange';

/** The parts of the server, each built once; everything that an app needs to answer requests. */
export interface Services {
  readonly authority: EntraAuthority;
  readonly requireBearerToken: RequestHandler;
  readonly communicationUsers: CommunicationUsers;
  readonly exchangeTeamsToken: ExchangeTeamsToken;
  readonly requestTimeLimitInMs: number;
  /** Ends background work: waits for what must not be left half done, then closes connections. */
  stop(): Promise<void>;
}

export const requiredScope = 'access_as_user';

/** The composition root. Nothing in here is started, but for what `start` methods do. */
export function createServices(config: Config, log: Logger, timings: Timings = defaultTimings): Services {
  const { authorityHost, tenantId, clientId, clientSecret, audiences, allowedClientIds } = config.entra;
  const http = createHttpClient();
  const authority = createEntraAuthority({
    authorityHost,
    tenantId,
    http,
    timings: timings.signingKeys,
    log,
  });
  const challenges = createChallenges({
    realm: `api://${clientId}`,
    authorizationUri: `${authorityHost}/${tenantId}/oauth2/v2.0/authorize`,
    requiredScope,
  });
  const requireBearerToken = createBearerAuthentication({
    authority,
    authorityHost,
    tenantId,
    clientId,
    policy: {
      tenantId,
      audiences,
      allowedClientIds,
      requiredScope,
      scopeToRequest: `api://${clientId}/${requiredScope}`,
    },
    challenges,
    cacheSize: config.entra.verifiedTokenCacheSize,
  });

  const oboTokens = createOboTokens({
    authority,
    authorityHost,
    tenantId,
    clientId,
    clientSecret,
    graphEndpoint: config.graph.endpoint,
    cacheSize: config.entra.oboTokenCacheSize,
    http,
    upstream: createUpstream({ name: 'Microsoft Entra ID', timings: timings.upstream, log }),
    challenges,
    workTimeLimitInMs: timings.workInMs,
  });
  const store = createGraphMappingStore({
    extensions: createExtensionClient({
      ...config.graph,
      oboTokens,
      http,
      upstream: createUpstream({ name: 'Microsoft Graph', timings: timings.upstream, log }),
      challenges,
    }),
    seal: createMappingSeal(config.mapping.keys),
    adoptUnsigned: config.mapping.adoptUnsigned,
    timings: timings.mappings,
    log,
  });
  const acs = createAcsIdentityClient(
    config.communication,
    createUpstream({ name: 'Azure Communication Services', timings: timings.upstream, log }),
    timings.upstream,
  );
  const orphanCleanup = createOrphanCleanup({ store, acs, timings: timings.orphanCleanup, log });
  const lifecycle = createIdentityLifecycle({ store, acs, orphanCleanup, timings: timings.mappings, log });
  const communicationUsers = createCommunicationUsers({
    lifecycle,
    acs,
    issuedTokens: createIssuedTokenCache(
      config.communication.tokenReuseInMinutes,
      config.communication.tokenCacheSize,
    ),
    mappingCacheSize: config.mapping.cacheSize,
    mappingCacheMinutes: config.mapping.cacheMinutes,
    workTimeLimitInMs: timings.workInMs,
  });

  return {
    authority,
    requireBearerToken,
    communicationUsers,
    requestTimeLimitInMs: timings.requestInMs,
    exchangeTeamsToken: createTeamsExchange(acs, timings.workInMs),
    async stop() {
      authority.stop();
      await orphanCleanup.idle();
      await http.close();
    },
  };
}
