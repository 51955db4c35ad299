import {
  type AccessTokenPolicy,
  malformedProblem,
  permissionChecks,
  type TokenCheck,
  type TokenProblem,
  validityChecks,
} from '../../authentication/accessTokenChecks';
import { clientIdOf, type DecodedJwt } from '../../authentication/jwt';
import type { ErrorCode } from '../../errors';
import { errorCodes } from '../../errors';
import { requiredScope } from '../../composition';
import type { Config } from '../../config/config';
import { type Check, ok, problem, type Result, skipped } from '../check';
import { shown } from '../report';
import type { Surroundings } from '../surroundings';
import { guessForm, type PastedToken, summarise, time } from './describe';
import { findSignatureProblem } from './signature';

/** The first thing for which the server would refuse the token. */
interface Refusal {
  readonly check: string;
  readonly code: ErrorCode;
  readonly problem: TokenProblem;
}

/** What each check of the server says of the token; the check goes well if the server would let it in. */
export function createAccessTokenCheck(
  surroundings: Surroundings,
  token: PastedToken,
  label: string,
  needs: readonly Check[],
): Check {
  return {
    name: label,
    needs,
    async run() {
      if (!token.jwt) {
        return [
          { ...problem(malformedProblem.message, guessForm(token.text)), name: `${label}, form` },
          serverSays(label, { check: 'form', code: 'invalid_token', problem: malformedProblem }),
        ];
      }
      return explain(surroundings, token.text, token.jwt, label);
    },
  };
}

async function explain(
  { config, authority, now }: Surroundings,
  text: string,
  jwt: DecodedJwt,
  label: string,
): Promise<Result[]> {
  const { issuers } = await authority.metadata();
  const policy = policyOf(config, issuers);
  const refusals: Refusal[] = [];
  const results: Result[] = [{ ...ok(summarise(jwt)), name: label }];

  const report = (check: string, code: ErrorCode, found: TokenProblem | undefined) => {
    if (found) refusals.push({ check, code, problem: found });
    const name = `${label}, ${check}`;
    results.push(
      found
        ? { ...problem(found.message, hint(check, found, jwt)), name }
        : { ...ok(seen(check, jwt)), name },
    );
    return found;
  };
  const look = (check: TokenCheck, code: ErrorCode) =>
    report(check.name, code, check.find(jwt, policy, now() / 1_000));

  for (const check of validityChecks) look(check, 'invalid_token');
  if (refusals.some(({ problem: { code } }) => code === 'token_for_graph' || code === 'wrong_algorithm')) {
    const why = 'not looked at: only Microsoft Graph, or nobody, can verify such a token';
    results.push({ ...skipped(why), name: `${label}, signature` });
  } else {
    report('signature', 'invalid_token', await findSignatureProblem(text, jwt, authority));
  }
  for (const check of permissionChecks) look(check, check.code);

  return [...results, serverSays(label, refusals[0])];
}

function policyOf({ entra }: Config, issuers: readonly string[]): AccessTokenPolicy {
  return {
    tenantId: entra.tenantId,
    audiences: entra.audiences,
    allowedClientIds: entra.allowedClientIds,
    issuers,
    requiredScope,
    scopeToRequest: `api://${entra.clientId}/${requiredScope}`,
  };
}

/** The answer that a caller with this token would get. */
function serverSays(label: string, refusal: Refusal | undefined): Result {
  const name = `${label}, answer`;
  if (!refusal) return { ...ok('the server lets it in'), name };
  const { code, check, problem: found } = refusal;
  const finer = code === 'invalid_token' ? ` (${found.code})` : '';
  return { ...problem(`the server answers ${errorCodes[code]} ${code}${finer}, for its ${check}`), name };
}

/** What the server's checks looked at, where they found nothing wrong. */
function seen(check: string, jwt: DecodedJwt): string {
  const { header, claims } = jwt;
  switch (check) {
    case 'audience':
      return `this API (aud ${shown(claims.aud)})`;
    case 'tenant':
      return `tid ${shown(claims.tid)}`;
    case 'issuer':
      return `iss ${shown(claims.iss)}`;
    case 'expiry':
      return `good until ${time(claims.exp)}`;
    case 'start':
      return claims.nbf === undefined ? 'none' : `good since ${time(claims.nbf)}`;
    case 'algorithm':
      return shown(header.alg);
    case 'key id':
      return `kid ${shown(header.kid)}`;
    case 'object id':
      return `oid ${shown(claims.oid)}`;
    case 'signature':
      return 'made with a key of the authority';
    case 'user token':
      return 'acts for a user';
    case 'scope':
      return `scp ${shown(claims.scp)}`;
    default:
      return shown(clientIdOf(jwt));
  }
}

/** What helps the one who pasted it, beyond the words for any caller. */
function hint(check: string, { code }: TokenProblem, jwt: DecodedJwt): string | undefined {
  const { claims } = jwt;
  const looksLikeIdToken = claims.scp === undefined && claims.roles === undefined && claims.idtyp !== 'app';
  if (looksLikeIdToken && (code === 'wrong_audience' || check === 'scope' || check === 'user token'))
    return 'It looks like an ID token, which is for the client itself: send the access token that came with it.';
  switch (code) {
    case 'wrong_audience':
      return `It is for ${shown(claims.aud)}.`;
    case 'wrong_tenant':
      return `It is of tenant ${shown(claims.tid)}; AZURE_TENANT_ID names this server's.`;
    case 'wrong_issuer':
      return `It was issued by ${shown(claims.iss)}.`;
    case 'insufficient_scope':
      return `It has ${claims.scp === undefined ? 'none' : shown(claims.scp)}. The scope must be exposed by AuthServer, and granted to the client application.`;
    case 'client_not_allowed':
      return `It was issued to ${shown(clientIdOf(jwt))}.`;
    default:
      return undefined;
  }
}
