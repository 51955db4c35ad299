import { inSeconds } from '../clock';
import { isObject } from '../http/exchange';
import { communicationResource, tenantId } from '../seed';
import { type Claims, encodePart } from '../tokens/jwt';
import { unverifiable } from '../tokens/tokenFactory';
import { type EmulatorContext } from '../context';
import { type ApiVersion } from './apiVersion';
import { AcsError, invalid, missing } from './errors';

const defaultMinutes = 1440;

export interface IssuedToken {
  token: string;
  expiresOn: string;
}

/** A token for an identity. */
export function issueToken(
  context: EmulatorContext,
  id: string,
  scopes: string[],
  minutes: number,
): IssuedToken {
  const now = context.clock();
  const issuedAt = inSeconds(now);
  return {
    token: signed(context, {
      skypeid: id.replace(/^8:/, ''),
      scp: 1792,
      csi: String(issuedAt),
      exp: issuedAt + minutes * 60,
      rgn: 'amer',
      acsScope: scopes.join(','),
      resourceId: communicationResource.id,
      resourceLocation: 'unitedstates',
      iat: issuedAt,
    }),
    expiresOn: roundTrip(now + minutes * 60_000),
  };
}

/** A token for a Teams user; it expires with the Entra token that it was exchanged for. */
export function issueTeamsToken(context: EmulatorContext, entra: Claims): IssuedToken {
  const expiresAt = Number(entra.exp);
  return {
    token: signed(context, {
      skypeid: `orgid:${String(entra.oid)}`,
      scp: 1024,
      csi: String(entra.iat),
      exp: expiresAt,
      rgn: 'amer',
      tid: tenantId,
      acsScope: 'voip,chat',
      resourceId: communicationResource.id,
      aad_iat: String(entra.iat),
      aad_uti: entra.uti,
      aad_appid: entra.appid,
      iat: inSeconds(context.clock()),
    }),
    expiresOn: roundTrip(expiresAt * 1000),
  };
}

function signed(context: EmulatorContext, claims: Claims): string {
  const { communicationKey: key } = context;
  const kid = Buffer.from(key.kid, 'base64url').toString('hex').toUpperCase();
  const header = { alg: 'RS256', kid, x5t: key.kid, typ: 'JWT' };
  if (context.switches.cheapSignatures) return unverifiable(header, claims);
  const text = `${encodePart(header)}.${encodePart(claims)}`;
  return `${text}.${key.sign(text)}`;
}

/** .NET's round-trip format: seven digits of a second, and the offset. */
export function roundTrip(milliseconds: number): string {
  return new Date(milliseconds).toISOString().replace('Z', '4512+00:00');
}

export function checkedScopes(field: string, value: unknown, version: ApiVersion): string[] {
  if (value === undefined || value === null) throw missing(field);
  if (!Array.isArray(value) || !value.every((scope) => typeof scope === 'string')) {
    throw invalid(field, `Invalid scopes - ${field} field is not a list of scopes.`);
  }
  const known = [
    'chat',
    'voip',
    ...(version >= '2023-10-01' ? ['chat.join', 'chat.join.limited', 'voip.join'] : []),
  ];
  const unknown = value.find((scope) => !known.includes(scope));
  if (unknown !== undefined) throw invalid('scopes', `Invalid scopes - ${unknown} is not a known scope.`);
  return value;
}

export function checkedMinutes(value: unknown, version: ApiVersion): number {
  if (value === undefined || value === null || version < '2022-10-01') return defaultMinutes;
  if (typeof value === 'number' && Number.isInteger(value) && value >= 60 && value <= 1440) return value;
  throw invalid(
    'ExpiresInMinutes',
    `ExpiresInMinutes value ${JSON.stringify(value)} is invalid. Value must be within the [60, 1440] interval.`,
  );
}

/** The body as an object; an empty one is an object without fields. */
export function parseBody(body: Buffer): Record<string, unknown> {
  if (body.length === 0) return {};
  try {
    const value: unknown = JSON.parse(body.toString());
    if (isObject(value)) return value;
  } catch {
    // Rejected below, like any other body that is not an object.
  }
  throw new AcsError(400, 'ValidationError', 'The request body is not a JSON object.', { versioned: false });
}
