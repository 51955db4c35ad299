import { LRUCache } from 'lru-cache';
import type { Log } from '../log';
import type { AuthenticatedUser } from '../authentication/authenticatedUser';
import type { Challenges } from '../authentication/challenge';
import type { EntraAuthority } from '../authentication/entra/entraAuthority';
import type { Deadline } from '../resilience/deadline';
import { createSingleFlight } from '../resilience/singleFlight';
import { ApiError } from '../errors';
import type { HttpClient } from '../resilience/httpClient';
import type { RequestScope } from '../requestScope';
import type { Upstream } from '../resilience/upstream';
import type { Telemetry } from '../telemetry/telemetry';
import type { ClientCredential } from './clientCredential/clientCredential';
import { createMsalClient } from './msalClient';
import { logRejectedCredential } from './rejectedCredential';
import {
  createTokenRequest,
  type EntraErrorBody,
  errorNumbers,
  issuedToken,
  nameUpstreamOfTimeout,
} from './tokenRequest';

/** Exchanges a caller's access token for a Microsoft Graph token of the same user (On-Behalf-Of). */
export interface OboTokens {
  /** Throws ApiError if the caller must act (claims challenge, consent, new token), otherwise UpstreamError. */
  getGraphToken(user: AuthenticatedUser, deadline: Deadline): Promise<string>;
  /** Call this when Graph rejects a token, so that the next one is new. */
  evictGraphToken(user: AuthenticatedUser): void;
}

export interface OboTokensOptions {
  authority: EntraAuthority;
  authorityHost: string;
  tenantId: string;
  clientId: string;
  credential: ClientCredential;
  graphEndpoint: string;
  cacheSize: number;
  http: HttpClient;
  requestScope?: RequestScope | undefined;
  upstream: Upstream;
  challenges: Challenges;
  workTimeLimitInMs: number;
  log: Log;
  telemetry?: Telemetry | undefined;
}

/**
 * How long a token is cached: until five minutes before its expiry, or for half of its lifetime if that is short. At least
 * 10 s, so that the current request can use it whatever expiry Entra reports.
 */
function cacheTtlInMs(lifetimeInMs: number): number {
  const ttlInMs = lifetimeInMs > 10 * 60_000 ? lifetimeInMs - 5 * 60_000 : lifetimeInMs / 2;
  return Math.floor(ttlInMs > 10_000 ? ttlInMs : 10_000);
}

interface OboToken {
  accessToken: string;
  lifetimeInMs: number;
}

const operation = 'exchange token On-Behalf-Of';

export function createOboTokens(options: OboTokensOptions): OboTokens {
  const { authority, authorityHost, tenantId, clientId, credential, http, requestScope, upstream, log } =
    options;
  // User.ReadWrite is the least privilege that can write the user's own open extensions. With the endpoint as prefix,
  // sovereign clouds issue a token for their own Graph.
  const scope = `${options.graphEndpoint}/User.ReadWrite`;
  const coalesce = createSingleFlight<OboToken>(options.workTimeLimitInMs);
  const tokens = new LRUCache<string, string>({ max: options.cacheSize });

  async function request(user: AuthenticatedUser, deadline: Deadline): Promise<OboToken> {
    const { discovery } = await authority.metadata();
    const proof = await credential.forMsal(deadline);
    const exchange = createTokenRequest(http);
    return upstream.call(
      operation,
      { deadline, caller: user.key, retryOn: 'any_failure', describe: () => exchange.details() },
      async (signal) => {
        const networkClient = exchange.networkClient(signal);
        const client = await createMsalClient({
          authorityHost,
          tenantId,
          clientId,
          proof,
          discovery,
          networkClient,
        });
        try {
          const correlationId = requestScope?.current()?.requestId;
          const result = await client.acquireTokenOnBehalfOf({
            oboAssertion: user.accessToken,
            scopes: [scope],
            ...(correlationId === undefined ? {} : { correlationId }),
          });
          const { accessToken, expiresOn } = issuedToken(result);
          const lifetimeInMs = (expiresOn?.getTime() ?? Date.now()) - Date.now();
          return { accessToken, lifetimeInMs };
        } catch (error) {
          const rejection = exchange.rejection();
          throw (rejection && toClientError(rejection, options, error)) ?? error;
        }
      },
    );
  }

  return {
    async getGraphToken(user, deadline) {
      const cached = tokens.get(user.accessTokenHash);
      options.telemetry?.countLookup('obo_tokens', cached !== undefined);
      if (cached) return cached;
      const { accessToken, lifetimeInMs } = await coalesce(user.accessTokenHash, deadline.signal, (shared) =>
        request(user, shared).catch((error: unknown) => {
          logRejectedCredential(error, credential, log);
          throw error;
        }),
      ).catch(nameUpstreamOfTimeout(operation, deadline));
      tokens.set(user.accessTokenHash, accessToken, { ttl: cacheTtlInMs(lifetimeInMs) });
      return accessToken;
    },
    evictGraphToken: (user) => void tokens.delete(user.accessTokenHash),
  };
}

/** Consent is missing (65001), was declined (65004) or needs an administrator (90094, 90095). */
const consentCodes = new Set([65001, 65004, 90094, 90095]);

/** MFA must be used or set up (500xx), or conditional access requires another device or app (5300x). */
const stepUpCodes = new Set([50072, 50074, 50076, 50078, 50079, 50158, 53000, 53001, 53002]);

/** The errors of Entra that the caller must act on. Entra's own text is only logged. */
function toClientError(
  body: EntraErrorBody,
  { challenges, authorityHost, tenantId, clientId }: OboTokensOptions,
  cause: unknown,
): ApiError | undefined {
  const codes = errorNumbers(body);
  const innererror = codes[0] === undefined ? {} : { innererror: { code: `AADSTS${codes[0]}` } };
  if (
    body.suberror === 'consent_required' ||
    body.error === 'consent_required' ||
    codes.some((code) => consentCodes.has(code))
  ) {
    return new ApiError(
      'consent_required',
      'Consent is missing: this service stores your identity mapping in Microsoft Graph (permission User.ReadWrite). ' +
        `Sign in again with the scope ${clientId}/.default and prompt=consent, or ask an administrator to open ` +
        `${authorityHost}/${tenantId}/v2.0/adminconsent?client_id=${clientId}&scope=.default`,
      { ...innererror, cause },
    );
  }
  const claims = typeof body.claims === 'string' && body.claims !== '' ? body.claims : undefined;
  const stepUp = body.error === 'interaction_required' || codes.some((code) => stepUpCodes.has(code));
  if (claims !== undefined || stepUp) {
    return challenges.insufficientClaims(
      claims,
      'Microsoft Entra ID requires additional authentication, such as MFA. ' +
        'Sign in again with the claims from the WWW-Authenticate header.',
    );
  }
  if (body.error === 'invalid_grant') {
    return challenges.invalidToken(
      codes[0] === undefined ? 'refused_by_entra' : `AADSTS${codes[0]}`,
      'Microsoft Entra ID no longer accepts this access token. Sign in again and send a new one.',
    );
  }
  return undefined;
}
