import { inSeconds } from '../clock';
import { type Call, json, type Reply } from '../http/exchange';
import { tenantId } from '../seed';
import { teamsAppId, teamsAudience } from '../tokens/audiences';
import { v1Issuer } from '../tokens/claims';
import { type Claims } from '../tokens/jwt';
import { type EmulatorContext } from '../context';
import { type ApiVersion } from './apiVersion';
import { AcsError, invalid, missing } from './errors';
import { issueTeamsToken, parseBody } from './tokens';

const guid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** The token is checked before the other fields, as in the recordings. */
export function exchangeTeamsToken(context: EmulatorContext, call: Call, version: ApiVersion): Reply {
  const body = parseBody(call.body);
  const claims = verify(context, body.token);
  if (version !== firstPreview) checkAppAndUser(claims, body);
  const user = context.directory.users.find(String(claims.oid));
  const { teamsLicenceWithdrawnFrom, unlicensedTeamsUser } = context.switches;
  if (!user?.teamsLicence || teamsLicenceWithdrawnFrom.has(user.objectId)) {
    const { status, code, message } = unlicensedTeamsUser;
    throw new AcsError(status, code, message);
  }
  return json(200, issueTeamsToken(context, claims));
}

/** Its request is the token alone. */
const firstPreview = '2021-10-31-preview';

function checkAppAndUser(claims: Claims, body: Record<string, unknown>): void {
  const appId = checkedGuid(body.appId, 'AppId', 'appId');
  if (appId !== claims.appid) throw invalid('appId', 'AAD application is not the expected one.');
  const userId = checkedGuid(body.userId, 'UserId', 'userId');
  if (userId !== claims.oid) throw invalid('userId', 'Provided AAD token issued for unexpected user.');
}

function verify(context: EmulatorContext, token: unknown): Claims {
  const { claims } = typeof token === 'string' ? context.keys.verify(token) : {};
  const good =
    claims !== undefined &&
    (claims.aud === teamsAudience || claims.aud === teamsAppId) &&
    claims.iss === v1Issuer &&
    claims.tid === tenantId &&
    typeof claims.oid === 'string' &&
    typeof claims.appid === 'string' &&
    typeof claims.scp === 'string' &&
    claims.scp.split(' ').some((scope) => scope.startsWith('Teams.Manage')) &&
    typeof claims.exp === 'number' &&
    claims.exp > inSeconds(context.clock());
  if (good) return claims;
  throw new AcsError(401, 'InvalidAccessToken', 'Provided access token is not valid.', { versioned: false });
}

function checkedGuid(value: unknown, field: string, target: string): string {
  if (value === undefined || value === null || value === '') throw missing(field);
  if (typeof value === 'string' && guid.test(value)) return value.toLowerCase();
  throw invalid(target, `Provided ${field} has invalid format.`);
}
