import { inSeconds } from '../clock';
import { type Call, header } from '../http/exchange';
import { tenantId } from '../seed';
import { type User } from '../state/users';
import { graphAppId, graphAudience } from '../tokens/audiences';
import { v1Issuer } from '../tokens/claims';
import { type Claims, decodeJwt } from '../tokens/jwt';
import { type EmulatorContext } from '../context';
import { stepUpClaims } from '../entra/stepUp';
import { GraphError } from './errors';

/** Who calls, through which application, with which permissions. */
export interface GraphCaller {
  user: User;
  app: string;
  scopes: string[];
}

/** Believes a token only if it was made for Graph, here, for a user, and is not expired. */
export function authenticate(context: EmulatorContext, call: Call): GraphCaller {
  const token = /^Bearer +(\S+)$/i.exec(header(call, 'authorization') ?? '')?.[1];
  if (token === undefined) unauthenticated('Access token is empty.');
  const claims = verify(context, token);
  const user = context.directory.users.find(String(claims.oid));
  if (!user) unauthenticated('Access token validation failure. The user is not in the directory.');
  if (context.switches.graphRejectsWithClaims.has(user.objectId)) challenge(context, call);
  return { user, app: String(claims.appid), scopes: String(claims.scp).split(' ') };
}

/** The signature of Graph's tokens can be verified by Graph alone, so one that is signed like others is not for it. */
function verify(context: EmulatorContext, token: string): Claims {
  const jwt = decodeJwt(token);
  if (!jwt) unauthenticated('IDX14100: JWT is not well formed, there are no dots (.).');
  const { claims } = jwt;
  const forGraph = context.forge.isSignedForGraph(jwt);
  if (!forGraph && context.keys.verify(token).failure !== undefined) {
    unauthenticated('Access token validation failure. Signature is invalid.');
  }
  const keyIsPublished = context.keys.published().some(({ kid }) => kid === jwt.header.kid);
  if (!keyIsPublished) unauthenticated('Access token validation failure. The signing key was not found.');
  if (claims.aud !== graphAudience && claims.aud !== graphAppId) {
    unauthenticated('Access token validation failure. Invalid audience.');
  }
  if (claims.iss !== v1Issuer || claims.tid !== tenantId) {
    unauthenticated('Access token validation failure. Invalid issuer.');
  }
  if (!(typeof claims.exp === 'number' && claims.exp > inSeconds(context.clock()))) {
    unauthenticated('Lifetime validation failed, the token is expired.');
  }
  if (!forGraph) unauthenticated('Access token validation failure. Signature is invalid.');
  if (typeof claims.scp !== 'string')
    unauthenticated('/me request is only valid with delegated authentication flow.');
  return claims;
}

export function requireScope(caller: GraphCaller, ...anyOf: string[]): void {
  if (anyOf.some((scope) => caller.scopes.includes(scope))) return;
  throw new GraphError(
    403,
    'Authorization_RequestDenied',
    'Insufficient privileges to complete the operation.',
  );
}

function unauthenticated(message: string): never {
  throw new GraphError(401, 'InvalidAuthenticationToken', message);
}

/** Continuous access evaluation: the token is good, but the user must sign in anew. */
function challenge(context: EmulatorContext, call: Call): never {
  const fields = [
    'realm=""',
    `authorization_uri="${context.names.issuerOrigin(call)}/common/oauth2/authorize"`,
    `client_id="${graphAppId}"`,
    'error="insufficient_claims"',
    `claims="${Buffer.from(stepUpClaims.json).toString('base64')}"`,
  ];
  throw new GraphError(
    401,
    'InvalidAuthenticationToken',
    'Continuous access evaluation resulted in challenge with result: InteractionRequired and code: ' +
      'TokenIssuedBeforeRevocationTimestamp',
    { 'www-authenticate': `Bearer ${fields.join(', ')}` },
  );
}
