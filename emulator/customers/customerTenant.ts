import { type Clock } from '../clock';
import { type User, type Users } from '../state/users';
import { type Grant } from '../tokens/claims';
import { applyDefect, type Draft } from '../tokens/defects';
import { type Claims, encodePart } from '../tokens/jwt';
import { type KeyPairs } from '../tokens/keyPairs';
import { SigningKey, SigningKeys } from '../tokens/signingKeys';
import { idTokenLifetimeInSeconds, type TokenOptions } from '../tokens/tokenFactory';

/** What one kind of tenant does differently from another. */
export interface TenantKind {
  readonly tenantId: string;
  readonly issuer: string;
  readonly apiClientId: string;
  readonly clientId: string;
  /** What a client may write before the name of the API's permission. */
  readonly apiIdentifiers: readonly string[];
  readonly accessTokenLifetimeInSeconds: number;
  /** The environment of a server that serves the tenant's users. */
  readonly settings: Record<string, string>;
  accessClaims(grant: Grant): Claims;
  idClaims(grant: Grant): Claims;
  appOnlyClaims(grant: Grant): Claims;
}

export interface CustomerTenantParts {
  readonly url: string;
  readonly clock: Clock;
  readonly users: Users;
  readonly keyPairs: KeyPairs;
  /** Published, but signs nothing. */
  readonly standby: SigningKey;
  readonly untrustedKey: () => SigningKey;
}

/** A tenant for customers: its keys, and the tokens that it issues. */
export class CustomerTenant {
  readonly tenantId: string;
  readonly issuer: string;
  readonly apiClientId: string;
  /** A single-page app with the redirect URIs of AuthClient. */
  readonly clientId: string;
  readonly apiIdentifiers: readonly string[];
  readonly accessTokenLifetimeInSeconds: number;
  readonly #kind: TenantKind;
  readonly #parts: CustomerTenantParts;
  #keys: SigningKeys | undefined;

  constructor(kind: TenantKind, parts: CustomerTenantParts) {
    this.tenantId = kind.tenantId;
    this.issuer = kind.issuer;
    this.apiClientId = kind.apiClientId;
    this.clientId = kind.clientId;
    this.apiIdentifiers = kind.apiIdentifiers;
    this.accessTokenLifetimeInSeconds = kind.accessTokenLifetimeInSeconds;
    this.#kind = kind;
    this.#parts = parts;
  }

  /** Loaded on first use: most emulators never need them. */
  get keys(): SigningKeys {
    const { keyPairs, standby } = this.#parts;
    this.#keys ??= new SigningKeys(new SigningKey(keyPairs(`tenant-${this.tenantId}`)), standby);
    return this.#keys;
  }

  settings(): Record<string, string> {
    return this.#kind.settings;
  }

  rotateKeys({ keepOld = false } = {}): void {
    this.keys.rotate(keepOld);
  }

  /** For the API. By default Alice's, and valid. */
  accessToken(options: TokenOptions = {}): string {
    return this.#mint(options, (grant) => this.#kind.accessClaims(grant));
  }

  idToken(options: TokenOptions = {}): string {
    const lifetimeInSeconds = options.lifetimeInSeconds ?? idTokenLifetimeInSeconds;
    return this.#mint({ ...options, lifetimeInSeconds }, (grant) => this.#kind.idClaims(grant));
  }

  appOnlyToken(options: TokenOptions = {}): string {
    return this.#mint(options, (grant) => this.#kind.appOnlyClaims(grant));
  }

  #mint(options: TokenOptions, claimsOf: (grant: Grant) => Claims): string {
    const grant = this.#grant(options);
    const key = this.keys.current;
    const draft: Draft = {
      header: { typ: 'JWT', alg: 'RS256', kid: key.kid },
      claims: { ...claimsOf(grant) },
      grant,
      key,
      untrustedKey: this.#parts.untrustedKey,
      sign: (signed) => key.sign(signed),
      finish: (token) => token,
    };
    if (options.scope === null) draft.claims.scp = undefined;
    if (options.defect) {
      applyDefect(options.defect, draft);
      this.#applyKind(options.defect, draft);
    }
    const signed = `${encodePart({ ...draft.header, ...options.header })}.${encodePart({ ...draft.claims, ...options.claims })}`;
    return draft.finish(`${signed}.${draft.sign(signed)}`);
  }

  /** Some defects replace the claims with those of another kind of token of this tenant. */
  #applyKind(defect: string, draft: Draft): void {
    const { grant } = draft;
    if (defect === 'app_only') draft.claims = this.#kind.appOnlyClaims(grant);
    if (defect === 'id_token') draft.claims = this.#kind.idClaims(grant);
    if (defect === 'id_token_for_api')
      draft.claims = { ...this.#kind.idClaims(grant), aud: this.#kind.apiClientId };
  }

  #grant(options: TokenOptions): Grant {
    return {
      url: this.#parts.url,
      now: this.#parts.clock(),
      lifetimeInSeconds: options.lifetimeInSeconds ?? this.accessTokenLifetimeInSeconds,
      user: this.#user(options.user ?? 'alice'),
      clientId: options.client ?? this.#kind.clientId,
      clientAuthentication: '0',
      scopes: options.scope ?? 'access_as_user',
    };
  }

  #user(user: User | string): User {
    if (typeof user !== 'string') return user;
    const found = this.#parts.users.find(user);
    if (!found) throw new Error(`The emulator has no user "${user}"`);
    return found;
  }
}
