import { randomBytes } from 'node:crypto';
import { inSeconds } from '../clock';
import { tenantId } from '../seed';
import { v1Issuer } from './claims';
import { type Claims } from './jwt';

/** An application or a managed identity that signs in as itself. */
export interface Principal {
  clientId: string;
  /** The object id of its service principal. */
  objectId: string;
  /** How it authenticated: by secret, or by certificate, as a managed identity does internally. */
  authentication: '1' | '2';
  /** For a managed identity: the Azure resource that it is, or that it belongs to. */
  resourceId?: string;
}

export interface ApplicationGrant {
  url: string;
  now: number;
  lifetimeInSeconds: number;
  principal: Principal;
  audience: string;
  /** The application permissions that were granted on the audience. */
  roles?: readonly string[];
}

function common({ now, lifetimeInSeconds, principal, audience, roles = [] }: ApplicationGrant): Claims {
  const issuedAt = inSeconds(now);
  return {
    aud: audience,
    iat: issuedAt,
    nbf: issuedAt,
    exp: issuedAt + lifetimeInSeconds,
    idtyp: 'app',
    oid: principal.objectId,
    sub: principal.objectId,
    tid: tenantId,
    uti: randomBytes(16).toString('base64url'),
    ...(roles.length > 0 ? { roles } : {}),
    ...(principal.resourceId === undefined ? {} : { xms_mirid: principal.resourceId }),
  };
}

/** Microsoft's own resources get v1 tokens. */
export function v1ApplicationClaims(grant: ApplicationGrant): Claims {
  const { clientId, authentication } = grant.principal;
  const application = { appid: clientId, appidacr: authentication };
  return { ...common(grant), iss: v1Issuer, idp: v1Issuer, ...application, ver: '1.0' };
}

export function v2ApplicationClaims(grant: ApplicationGrant): Claims {
  const { clientId, authentication } = grant.principal;
  const issuer = `${grant.url}/${tenantId}/v2.0`;
  return { ...common(grant), iss: issuer, azp: clientId, azpacr: authentication, ver: '2.0' };
}
