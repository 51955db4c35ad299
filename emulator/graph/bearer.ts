import { inSeconds } from '../clock';
import { type Call, header, NotEmulated } from '../http/exchange';
import { tenantId } from '../seed';
import { type User } from '../state/users';
import { graphAppId, graphAudiences } from '../tokens/audiences';
import { v1Issuer } from '../tokens/claims';
import { type Claims, decodeJwt } from '../tokens/jwt';
import { type EmulatorContext } from '../context';
import { stepUpClaims } from '../entra/stepUp';
import { GraphError } from './errors';
import { forAllUsers, forOwnUser } from './permissions';

/** Who calls, through which application, with which permissions. */
export interface GraphCaller {
  /** Absent: the application calls as itself. */
  user?: User;
  app: string;
  /** Of a user: delegated permissions … */
  scopes: string[];
  /** … and of an application: its own. */
  roles: string[];
}

/** Where to get a token, which Graph says with every 401. */
export function challenge(context: EmulatorContext, call: Call, more: string[] = []): string {
  const fields = [
    'realm=""',
    `authorization_uri="${context.names.issuerOrigin(call)}/common/oauth2/authorize"`,
    `client_id="${graphAppId}"`,
    ...more,
  ];
  return `Bearer ${fields.join(', ')}`;
}

/** Accepts a token only if the emulator issued it for Graph and it has not expired. */
export function authenticate(context: EmulatorContext, call: Call): GraphCaller {
  const token = /^Bearer +(\S+)$/i.exec(header(call, 'authorization') ?? '')?.[1];
  if (token === undefined) unauthenticated('Access token is empty.');
  const claims = verify(context, token);
  const app = String(claims.appid);
  if (typeof claims.scp !== 'string') {
    const roles = Array.isArray(claims.roles) ? claims.roles.map(String) : [];
    return { app, scopes: [], roles };
  }
  const user = context.directory.users.find(String(claims.oid));
  if (!user) unauthenticated('Access token validation failure. The user is not in the directory.');
  if (context.switches.graphRejectsWithClaims.has(user.objectId)) requireNewSignIn(context, call);
  return { user, app, scopes: claims.scp.split(' '), roles: [] };
}

/** Only Graph can verify the signature of its tokens, so a token with a normal signature is not for Graph. */
function verify(context: EmulatorContext, token: string): Claims {
  const jwt = decodeJwt(token);
  if (!jwt) unauthenticated('IDX14100: JWT is not well formed, there are no dots (.).');
  const { claims } = jwt;
  const forGraph = context.tokenFactory.isSignedForGraph(jwt);
  if (!forGraph && context.keys.verify(token).failure !== undefined) {
    unauthenticated('Access token validation failure. Signature is invalid.');
  }
  const keyIsPublished = context.keys.published().some(({ kid }) => kid === jwt.header.kid);
  if (!keyIsPublished) unauthenticated('Access token validation failure. The signing key was not found.');
  if (!graphAudiences.includes(String(claims.aud))) {
    unauthenticated('Access token validation failure. Invalid audience.');
  }
  if (claims.iss !== v1Issuer || claims.tid !== tenantId) {
    unauthenticated('Access token validation failure. Invalid issuer.');
  }
  if (!(typeof claims.exp === 'number' && claims.exp > inSeconds(context.clock()))) {
    unauthenticated('Lifetime validation failed, the token is expired.');
  }
  if (!forGraph) unauthenticated('Access token validation failure. Signature is invalid.');
  return claims;
}

/**
 * The user of a call: the caller for `/me`, the named one for `/users/{id}`. Permissions are checked first, so that a caller who may not
 * read users does not learn which exist.
 */
export function permittedUser(
  context: EmulatorContext,
  call: Call,
  caller: GraphCaller,
  access: 'read' | 'write',
): User {
  const { id } = call.params;
  if (/^delta(\(.*\))?$/i.test(id ?? '')) throw new NotEmulated('The function delta of users');
  if (id === undefined && !caller.user) {
    throw new GraphError(400, 'BadRequest', '/me request is only valid with delegated authentication flow.');
  }
  requirePermission(caller, id, access);
  if (id === undefined && caller.user) return caller.user;
  const user = context.directory.users.find(id ?? '');
  if (user && isNamed(user, id)) return user;
  throw new GraphError(
    404,
    'Request_ResourceNotFound',
    `Resource '${id ?? ''}' does not exist or one of its queried reference-property objects are not present.`,
  );
}

/** Users need a permission for themselves or for all users, applications for all users. */
function requirePermission(caller: GraphCaller, id: string | undefined, access: 'read' | 'write'): void {
  const forSelf = caller.user && (id === undefined || isNamed(caller.user, id));
  const sufficient: string[] = [...forAllUsers[access], ...(forSelf ? forOwnUser[access] : [])];
  if ([...caller.scopes, ...caller.roles].some((permission) => sufficient.includes(permission))) return;
  throw new GraphError(
    403,
    'Authorization_RequestDenied',
    'Insufficient privileges to complete the operation.',
  );
}

function isNamed(user: User, id = ''): boolean {
  return [user.objectId, user.userPrincipalName].includes(id.toLowerCase());
}

function unauthenticated(message: string): never {
  throw new GraphError(401, 'InvalidAuthenticationToken', message);
}

/** Continuous access evaluation: the token is valid, but the user must sign in again. */
function requireNewSignIn(context: EmulatorContext, call: Call): never {
  const claims = `claims="${Buffer.from(stepUpClaims.json).toString('base64')}"`;
  throw new GraphError(
    401,
    'InvalidAuthenticationToken',
    'Continuous access evaluation resulted in challenge with result: InteractionRequired and code: ' +
      'TokenIssuedBeforeRevocationTimestamp',
    { 'www-authenticate': challenge(context, call, ['error="insufficient_claims"', claims]) },
  );
}
