import {
  type AccessTokenPolicy,
  permissionChecks,
  validityChecks,
} from '../../authentication/entra/accessTokenChecks';
import { clientIdOf, type DecodedJwt } from '../../authentication/jwt';
import { malformedProblem, type TokenCheck, type TokenProblem } from '../../authentication/tokenChecks';
import type { ErrorCode } from '../../errors';
import { errorCodes } from '../../errors';
import { requiredScope } from '../../authentication/requiredScope';
import type { Config } from '../../config/config';
import { type Check, ok, problem, type Result, skipped } from '../check';
import { printable } from '../report';
import type { DoctorContext } from '../context';
import { describeNonJwt, type PastedToken, summarize, time } from './describe';
import { findSignatureProblem } from './signature';

/** The first reason for which the server would reject the token. */
interface Refusal {
  readonly check: string;
  readonly code: ErrorCode;
  readonly problem: TokenProblem;
}

/** Runs the server's own checks on the token; passes if the server would accept it. */
export function createAccessTokenCheck(
  context: DoctorContext,
  token: PastedToken,
  label: string,
  needs: readonly Check[],
): Check {
  return {
    name: label,
    needs,
    async run() {
      if (!token.jwt) {
        const malformed = malformedProblem('Microsoft Entra ID', []);
        return [
          { ...problem(malformed.message, describeNonJwt(token.text)), name: `${label}, form` },
          predictResponse(label, { check: 'form', code: 'invalid_token', problem: malformed }),
        ];
      }
      return explain(context, token.text, token.jwt, label);
    },
  };
}

async function explain(
  { config, authority, now }: DoctorContext,
  text: string,
  jwt: DecodedJwt,
  label: string,
): Promise<Result[]> {
  const { issuers } = await authority.metadata();
  const policy = policyOf(config, issuers);
  const refusals: Refusal[] = [];
  const results: Result[] = [{ ...ok(summarize(jwt)), name: label }];

  const report = (check: string, code: ErrorCode, found: TokenProblem | undefined) => {
    if (found) refusals.push({ check, code, problem: found });
    const name = `${label}, ${check}`;
    results.push(
      found
        ? { ...problem(found.message, hint(check, found, jwt)), name }
        : { ...ok(describePassed(check, jwt)), name },
    );
    return found;
  };
  const look = (check: TokenCheck<AccessTokenPolicy>, code: ErrorCode) =>
    report(check.name, code, check.find(jwt, policy, now() / 1_000));

  for (const check of validityChecks) look(check, 'invalid_token');
  if (refusals.some(({ problem: { code } }) => code === 'token_for_graph' || code === 'wrong_algorithm')) {
    const why = 'skipped: such a token cannot be verified here';
    results.push({ ...skipped(why), name: `${label}, signature` });
  } else {
    report('signature', 'invalid_token', await findSignatureProblem(text, jwt, authority));
  }
  for (const check of permissionChecks) look(check, check.code);

  return [...results, predictResponse(label, refusals[0])];
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

/** The response that a caller with this token would get. */
function predictResponse(label: string, refusal: Refusal | undefined): Result {
  const name = `${label}, response`;
  if (!refusal) return { ...ok('the server accepts it'), name };
  const { code, check, problem: found } = refusal;
  const detail = code === 'invalid_token' ? ` (${found.code})` : '';
  return {
    ...problem(`the server responds with ${errorCodes[code]} ${code}${detail}, because of its ${check}`),
    name,
  };
}

/** What a check that passed has looked at. */
function describePassed(check: string, jwt: DecodedJwt): string {
  const { header, claims } = jwt;
  switch (check) {
    case 'audience':
      return `this API (aud ${printable(claims.aud)})`;
    case 'tenant':
      return `tid ${printable(claims.tid)}`;
    case 'issuer':
      return `iss ${printable(claims.iss)}`;
    case 'expiry':
      return `valid until ${time(claims.exp)}`;
    case 'start':
      return claims.nbf === undefined ? 'none' : `valid since ${time(claims.nbf)}`;
    case 'algorithm':
      return printable(header.alg);
    case 'key id':
      return `kid ${printable(header.kid)}`;
    case 'object id':
      return `oid ${printable(claims.oid)}`;
    case 'signature':
      return 'made with a key of the tenant';
    case 'user token':
      return 'acts for a user';
    case 'scope':
      return `scp ${printable(claims.scp)}`;
    default:
      return printable(clientIdOf(jwt));
  }
}

/** A hint for the person who pasted the token, beyond the message that every caller gets. */
function hint(check: string, { code }: TokenProblem, jwt: DecodedJwt): string | undefined {
  const { claims } = jwt;
  const looksLikeIdToken = claims.scp === undefined && claims.roles === undefined && claims.idtyp !== 'app';
  if (looksLikeIdToken && (code === 'wrong_audience' || check === 'scope' || check === 'user token'))
    return 'It looks like an ID token, which is for the client only: send the access token that came with it.';
  switch (code) {
    case 'wrong_audience':
      return `It is for ${printable(claims.aud)}.`;
    case 'wrong_tenant':
      return `It was issued by tenant ${printable(claims.tid)}; this server's is in AZURE_TENANT_ID.`;
    case 'wrong_issuer':
      return `It was issued by ${printable(claims.iss)}.`;
    case 'insufficient_scope':
      return `It has ${claims.scp === undefined ? 'none' : printable(claims.scp)}. The scope must be exposed by AuthServer, and granted to the client application.`;
    case 'client_not_allowed':
      return `It was issued to ${printable(clientIdOf(jwt))}.`;
    default:
      return undefined;
  }
}
