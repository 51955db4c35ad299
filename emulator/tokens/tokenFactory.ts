import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { type Clock } from '../clock';
import { authClient, authServer, manageUsersRole, offboardingJob } from '../seed';
import { publicIssuerOrigin } from '../names';
import { type User, type Users } from '../state/users';
import { type Switches } from '../switches';
import {
  appOnlyClaims,
  type Grant,
  graphClaims,
  idTokenClaims,
  teamsClaims,
  v1AccessClaims,
  v2AccessClaims,
} from './claims';
import {
  type ApplicationGrant,
  type Principal,
  v1ApplicationClaims,
  v2ApplicationClaims,
} from './applicationClaims';
import { apiAudience, graphAudiences, tokenExchangeAudience } from './audiences';
import { applyDefect, type Defect, type Draft } from './defects';
import { type Claims, encodePart, type Jwt } from './jwt';
import { type SigningKey, type SigningKeys } from './signingKeys';

export interface TokenOptions {
  /** A user, an object id, a sign-in name, or the part of it before the @. */
  user?: User | string;
  /** Space-separated; null leaves the claim out. */
  scope?: string | null;
  lifetimeInSeconds?: number;
  /** As issued under Entra's public name instead of the emulator's URL. */
  publicName?: boolean;
  /** The client id of the application that the token is issued to. */
  client?: string;
  /** Claims to set; undefined removes a claim. */
  claims?: Claims;
  header?: Claims;
  /** The one defect that the token has. */
  defect?: Defect;
}

export interface AccessTokenOptions extends TokenOptions {
  version?: 1 | 2;
}

export type TeamsTokenOptions = TokenOptions;

/** Entra's tokens live for 60 to 90 minutes, drawn at random; here always the mean. */
export const tokenLifetimeInSeconds = 4500;

export const idTokenLifetimeInSeconds = 3600;

export interface TokenFactoryParts {
  url: string;
  clock: Clock;
  keys: SigningKeys;
  untrustedKey: () => SigningKey;
  users: Users;
  switches: Switches;
}

/** Mints every kind of token, valid by default. */
export class TokenFactory {
  readonly #parts: TokenFactoryParts;
  readonly #graphSecret = randomBytes(32);

  constructor(parts: TokenFactoryParts) {
    this.#parts = parts;
  }

  grant(details: Partial<Grant> & { user: User }): Grant {
    return {
      url: this.#parts.url,
      now: this.#parts.clock(),
      lifetimeInSeconds: tokenLifetimeInSeconds,
      clientId: authClient.clientId,
      clientAuthentication: '1',
      scopes: '',
      ...details,
    };
  }

  accessToken(options: AccessTokenOptions = {}): string {
    const grant = this.#grantFor(options, 'alice', 'access_as_user');
    const version = options.version ?? this.#parts.switches.accessTokenVersion;
    return this.mint(grant, this.apiClaims(grant, version), options, version);
  }

  apiClaims(grant: Grant, version: 1 | 2): Claims {
    const claims = version === 1 ? v1AccessClaims : v2AccessClaims;
    const roles = this.#parts.switches.apiApplicationRoles[grant.user.objectId] ?? [];
    return { ...claims(grant, apiAudience(version)), ...(roles.length > 0 ? { roles } : {}) };
  }

  idToken(options: TokenOptions = {}): string {
    const lifetimeInSeconds = options.lifetimeInSeconds ?? idTokenLifetimeInSeconds;
    const grant = this.#grantFor({ ...options, lifetimeInSeconds }, 'alice', '');
    return this.mint(grant, idTokenClaims(grant), options, 2);
  }

  appOnlyToken(options: TokenOptions = {}): string {
    const grant = this.#grantFor(options, 'alice', '');
    return this.mint(grant, appOnlyClaims(grant, authServer.clientId), options, 2);
  }

  /** OffboardingJob's own, with the role that permits it to erase users. */
  administratorToken(options: TokenOptions = {}): string {
    const { clientId: client, servicePrincipalId: id } = offboardingJob;
    const claims = { oid: id, sub: id, roles: [manageUsersRole], ...options.claims };
    return this.appOnlyToken({ client, ...options, claims });
  }

  teamsToken(options: TeamsTokenOptions = {}): string {
    const grant = this.#grantFor(options, 'carol', 'Teams.ManageCalls Teams.ManageChats');
    return this.mint(grant, teamsClaims(grant), options, 1);
  }

  graphToken(options: TokenOptions = {}): string {
    const grant = this.#grantFor({ client: authServer.clientId, ...options }, 'alice', 'User.ReadWrite');
    return this.mintForGraph(grant, options);
  }

  mint(grant: Grant, claims: Claims, options: TokenOptions, version: 1 | 2): string {
    const key = this.#parts.keys.current;
    const header = { typ: 'JWT', alg: 'RS256', ...(version === 1 ? { x5t: key.kid } : {}), kid: key.kid };
    return this.#finish(grant, header, claims, options, (signed) => key.sign(signed));
  }

  /**
   * Tokens for Graph have a nonce, so that only Graph can verify their signature. The emulator does the same, which saves an RSA signature
   * in the On-Behalf-Of flow.
   */
  mintForGraph(grant: Grant, options: TokenOptions = {}): string {
    const { kid } = this.#parts.keys.current;
    const nonce = randomBytes(24).toString('base64url');
    const header = { typ: 'JWT', nonce, alg: 'RS256', x5t: kid, kid };
    const sign = (signed: string): string => this.#graphSignature(signed).toString('base64url');
    return this.#finish(grant, header, graphClaims(grant), options, sign);
  }

  /** A token for an application or a managed identity that signs in as itself. */
  applicationToken(
    principal: Principal,
    audience: string,
    lifetimeInSeconds = tokenLifetimeInSeconds,
  ): string {
    const { url, clock, keys, switches } = this.#parts;
    const forGraph = graphAudiences.includes(audience);
    const forApi = [apiAudience(1), apiAudience(2)].includes(audience);
    const granted = forGraph
      ? switches.graphApplicationPermissions
      : forApi
        ? switches.apiApplicationRoles
        : {};
    const roles = granted[principal.objectId] ?? [];
    const grant: ApplicationGrant = { url, now: clock(), lifetimeInSeconds, principal, audience, roles };
    const { kid } = keys.current;
    if (audience === tokenExchangeAudience) {
      const signed = `${encodePart({ typ: 'JWT', alg: 'RS256', kid })}.${encodePart(v2ApplicationClaims(grant))}`;
      return `${signed}.${keys.current.sign(signed)}`;
    }
    const nonce = forGraph ? { nonce: randomBytes(24).toString('base64url') } : {};
    const header = { typ: 'JWT', ...nonce, alg: 'RS256', x5t: kid, kid };
    const claimsOf = audience === apiAudience(2) ? v2ApplicationClaims : v1ApplicationClaims;
    const signed = `${encodePart(header)}.${encodePart(claimsOf(grant))}`;
    const signature = forGraph
      ? this.#graphSignature(signed).toString('base64url')
      : keys.current.sign(signed);
    return `${signed}.${signature}`;
  }

  isSignedForGraph(jwt: Jwt): boolean {
    if (typeof jwt.header.nonce !== 'string' || jwt.header.alg !== 'RS256') return false;
    const expected = this.#graphSignature(jwt.signed);
    return jwt.signature.length === expected.length && timingSafeEqual(jwt.signature, expected);
  }

  /** An ID token that is never verified, for load tests. */
  mintUnverifiable(claims: Claims): string {
    const { kid } = this.#parts.keys.current;
    return unverifiable({ typ: 'JWT', alg: 'RS256', kid }, claims);
  }

  #grantFor(options: TokenOptions, user: string, scopes: string): Grant {
    return this.grant({
      ...(options.publicName ? { url: publicIssuerOrigin } : {}),
      user: this.#user(options.user ?? user),
      scopes: options.scope ?? scopes,
      ...(options.client === undefined ? {} : { clientId: options.client }),
      ...(options.lifetimeInSeconds === undefined ? {} : { lifetimeInSeconds: options.lifetimeInSeconds }),
    });
  }

  #user(user: User | string): User {
    if (typeof user !== 'string') return user;
    const found = this.#parts.users.find(user);
    if (!found) throw new Error(`The emulator has no user "${user}"`);
    return found;
  }

  #finish(
    grant: Grant,
    header: Claims,
    claims: Claims,
    options: TokenOptions,
    sign: (signed: string) => string,
  ): string {
    const draft: Draft = {
      header: { ...header },
      claims: { ...claims },
      grant,
      key: this.#parts.keys.current,
      untrustedKey: this.#parts.untrustedKey,
      sign,
      finish: (token) => token,
    };
    if (options.scope === null) draft.claims.scp = undefined;
    if (options.defect) applyDefect(options.defect, draft);
    // JSON omits undefined values, which removes those claims.
    const signed = `${encodePart({ ...draft.header, ...options.header })}.${encodePart({ ...draft.claims, ...options.claims })}`;
    return draft.finish(`${signed}.${draft.sign(signed)}`);
  }

  /** As long as an RSA signature, so that the token is as long as a real one. */
  #graphSignature(signed: string): Buffer {
    const digest = createHmac('sha512', this.#graphSecret).update(signed).digest();
    return Buffer.concat([digest, digest, digest, digest]);
  }
}

const noSignature = Buffer.alloc(256, 0x5a).toString('base64url');

export function unverifiable(header: Claims, claims: Claims): string {
  return `${encodePart(header)}.${encodePart(claims)}.${noSignature}`;
}
