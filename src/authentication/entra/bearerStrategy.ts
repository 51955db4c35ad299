import type { KeyObject } from 'node:crypto';
import type { Request } from 'express';
import type { ITokenPayload } from 'passport-azure-ad';
import BearerStrategy from 'passport-azure-ad/lib/bearerstrategy';
import { decodeJwt, isSignedBy } from '../jwt';
import { clockSkewInSeconds } from '../tokenChecks';
import type { EntraAuthority } from './entraAuthority';

/** What passport-azure-ad reads from its metadata. */
interface StrategyMetadata {
  oidc: { issuer: readonly string[]; algorithms: readonly string[] };
  generateOidcPEM?: () => KeyObject;
}

/** Internal methods of passport-azure-ad 4.3.5 that its types omit. */
declare module 'passport-azure-ad' {
  interface BearerStrategy {
    loadMetadata(parameters: unknown, next: (error: null, metadata: StrategyMetadata) => void): void;
    jwtVerify(
      request: Request,
      token: string,
      metadata: StrategyMetadata,
      options: unknown,
      done: (error: unknown, user: unknown) => void,
    ): void;
    fail(reason: string): void;
    error(error: unknown): void;
  }
}

export interface EntraBearerStrategyOptions {
  authority: EntraAuthority;
  /** Required by the library, but never fetched: see `loadMetadata`. */
  discoveryUrl: string;
  clientId: string;
  audiences: readonly string[];
}

/**
 * passport-azure-ad's BearerStrategy without its metadata loading, which crashes the process on a malformed response, has
 * no timeout, misses new keys for half an hour and takes the allowed algorithms from the network. Keys come from
 * EntraAuthority instead, and only RS256 is allowed. The library's scope check is not configured: it crashes on unusual
 * tokens and cannot respond with 403. `permissionChecks` replaces it.
 */
export class EntraBearerStrategy extends BearerStrategy {
  constructor(private readonly options: EntraBearerStrategyOptions) {
    super(
      {
        identityMetadata: options.discoveryUrl,
        clientID: options.clientId,
        audience: [...options.audiences],
        validateIssuer: true,
        clockSkew: clockSkewInSeconds,
        loggingNoPII: true,
        loggingLevel: 'error',
      },
      (token: ITokenPayload, done: (error: null, user: ITokenPayload) => void) => done(null, token),
    );
  }

  override loadMetadata(_parameters: unknown, next: (error: null, metadata: StrategyMetadata) => void): void {
    this.options.authority.metadata().then(
      ({ issuers }) => next(null, { oidc: { issuer: issuers, algorithms: ['RS256'] } }),
      (error: unknown) => this.error(error),
    );
  }

  override jwtVerify(
    request: Request,
    token: string,
    metadata: StrategyMetadata,
    options: unknown,
    done: (error: unknown, user: unknown) => void,
  ): void {
    const keyId = decodeJwt(token)?.header.kid;
    if (typeof keyId !== 'string') {
      this.fail(unknownKey);
      return;
    }
    this.options.authority
      .keysWithId(keyId)
      .then((keys) => {
        const key = keys.length > 1 ? keys.find((each) => isSignedBy(each, token)) : keys[0];
        if (key) super.jwtVerify(request, token, { ...metadata, generateOidcPEM: () => key }, options, done);
        else this.fail(unknownKey);
      })
      .catch((error: unknown) => this.error(error));
  }
}

/** The strategy's failure reason when the authority does not have the signing key. */
export const unknownKey = 'unknown key';
