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
import { createTeamsExchange, type ExchangeTeamsToken } from './tokens/teamsExchange';

/** The parts of the server, each built once; everything that an app needs to answer requests. */
export interface Services {
  readonly authority: EntraAuthority;
  readonly requireBearerToken: RequestHandler;
  readonly communicationUsers: CommunicationUsers;
  readonly exchangeTeamsToken: ExchangeTeamsToken;
  /** Ends background work: waits for what must not be left half done, then closes connections. */
  stop(): Promise<void>;
}

export const requiredScope = 'access_as_user';

/** Upstream work ends this long before the caller's deadline, so that there is time to tidy up and to answer. */
export const requestTimeLimitInMs = 10_000;
const workTimeLimitInMs = 8_500;

/** The composition root. Nothing in here is started, but for what `start` methods do. */
export function createServices(config: Config, log: Logger): Services {
  const { authorityHost, tenantId, clientId, clientSecret, audiences, allowedClientIds } = config.entra;
  const http = createHttpClient();
  const authority = createEntraAuthority({ authorityHost, tenantId, http, log });
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
    upstream: createUpstream('Microsoft Entra ID', log),
    challenges,
    workTimeLimitInMs,
  });
  const store = createGraphMappingStore({
    extensions: createExtensionClient({
      ...config.graph,
      oboTokens,
      http,
      upstream: createUpstream('Microsoft Graph', log),
      challenges,
    }),
    seal: createMappingSeal(config.mapping.keys),
    adoptUnsigned: config.mapping.adoptUnsigned,
    log,
  });
  const acs = createAcsIdentityClient(
    config.communication,
    createUpstream('Azure Communication Services', log),
  );
  const orphanCleanup = createOrphanCleanup({ store, acs, log });
  const lifecycle = createIdentityLifecycle({ store, acs, orphanCleanup, log });
  const communicationUsers = createCommunicationUsers({
    lifecycle,
    acs,
    issuedTokens: createIssuedTokenCache(
      config.communication.tokenReuseInMinutes,
      config.communication.tokenCacheSize,
    ),
    mappingCacheSize: config.mapping.cacheSize,
    mappingCacheMinutes: config.mapping.cacheMinutes,
    workTimeLimitInMs,
  });

  return {
    authority,
    requireBearerToken,
    communicationUsers,
    exchangeTeamsToken: createTeamsExchange(acs, workTimeLimitInMs),
    async stop() {
      authority.stop();
      await orphanCleanup.idle();
      await http.close();
    },
  };
}
