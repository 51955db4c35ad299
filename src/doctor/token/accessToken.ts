import { unknownIssuerProblem } from '../../authentication/bearerAuthentication';
import { clientIdOf, type DecodedJwt } from '../../authentication/jwt';
import { oidcClientIdOf, scopesOf } from '../../authentication/oidc/accessTokenChecks';
import { malformedProblem, type TokenProblem } from '../../authentication/tokenChecks';
import { isEntra } from '../../config/providers';
import { type ErrorCode, errorCodes } from '../../errors';
import { type Check, ok, problem, type Result, skipped } from '../check';
import { type DoctorContext, entraContextsOf } from '../context';
import { printable } from '../report';
import { settingsOfProvider } from '../settings/providerSettings';
import { describeNonJwt, type PastedToken, summarize, time } from './describe';
import { chooseOpenIdProvider, entraRules, openIdRules, type TokenRule, type TokenRules } from './tokenRules';

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
    group: 'Token',
    needs,
    settings: context.config.providers.flatMap(settingsOfProvider),
    async run() {
      if (!token.jwt) {
        const { providers } = context.config;
        const malformed = malformedProblem(issuerNames(providers), []);
        return [
          { ...problem(malformed.message, describeNonJwt(token.text)), name: `${label}, form` },
          predictResponse(label, { check: 'form', code: 'invalid_token', problem: malformed }),
        ];
      }
      const rules = await rulesFor(context, token.text, token.jwt);
      if ('code' in rules) {
        return [
          { ...ok(summarize(token.jwt)), name: label },
          { ...problem(rules.message, hint('issuer', rules, token.jwt)), name: `${label}, issuer` },
          predictResponse(label, { check: 'issuer', code: 'invalid_token', problem: rules }),
        ];
      }
      return explain(context, rules, token.jwt, label);
    },
  };
}

/** The checks of the provider that would verify the token; a single provider verifies all tokens. */
async function rulesFor(
  context: DoctorContext,
  text: string,
  jwt: DecodedJwt,
): Promise<TokenRules | TokenProblem> {
  const tenants = entraContextsOf(context);
  const { openIdProviders } = context;
  const chosen = chooseOpenIdProvider(openIdProviders, jwt);
  if (chosen) return 'code' in chosen ? chosen : openIdRules(chosen, text, jwt);
  for (const tenant of tenants) {
    const { issuers } = await tenant.authority.metadata();
    if (context.config.providers.length === 1 || issuers.includes(String(jwt.claims.iss)))
      return entraRules(tenant, text, jwt);
  }
  const [only] = openIdProviders;
  return only && context.config.providers.length === 1 ? openIdRules(only, text, jwt) : unknownIssuerProblem;
}

function issuerNames(providers: DoctorContext['config']['providers']): string {
  return providers.every(isEntra) ? 'Microsoft Entra ID' : 'the identity provider';
}

async function explain(
  { now }: DoctorContext,
  rules: TokenRules,
  jwt: DecodedJwt,
  label: string,
): Promise<Result[]> {
  const refusals: Refusal[] = [];
  const results: Result[] = [{ ...ok(summarize(jwt, rules.userClaim)), name: label }];

  const report = (check: string, code: ErrorCode, found: TokenProblem | undefined) => {
    if (found) refusals.push({ check, code, problem: found });
    const name = `${label}, ${check}`;
    results.push(
      found
        ? { ...problem(found.message, hint(check, found, jwt, rules.tenantSetting)), name }
        : { ...ok(describePassed(check, jwt, rules)), name },
    );
  };
  const look = ({ name, code, find }: TokenRule) => report(name, code, find(now() / 1_000));

  rules.validity.forEach(look);
  if (refusals.some(({ problem: { code } }) => code === 'token_for_graph' || code === 'wrong_algorithm')) {
    const why = 'skipped: such a token cannot be verified here';
    results.push({ ...skipped(why), name: `${label}, signature` });
  } else {
    report('signature', 'invalid_token', await rules.signature());
  }
  rules.permission.forEach(look);

  return [...results, predictResponse(label, refusals[0])];
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

/** The value that a passed check has examined. */
function describePassed(check: string, jwt: DecodedJwt, { userClaim }: TokenRules): string {
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
    case 'issue time':
      return claims.iat === undefined ? 'none' : time(claims.iat);
    case 'algorithm':
      return printable(header.alg);
    case 'key id':
      return `kid ${printable(header.kid)}`;
    case 'object id':
      return `oid ${printable(claims.oid)}`;
    case 'kind':
      return 'an access token';
    case 'user':
      return `${userClaim} ${printable(claims[userClaim])}`;
    case 'signature':
      return claims.tid === undefined ? 'made with a key of the issuer' : 'made with a key of the tenant';
    case 'user token':
      return 'acts for a user';
    case 'scope':
      return claims.scp === undefined
        ? `scope ${printable(scopesOf(jwt).join(' '))}`
        : `scp ${printable(claims.scp)}`;
    default:
      return printable(clientIdOf(jwt) ?? oidcClientIdOf(jwt));
  }
}

/** A hint for the person who pasted the token, beyond the message that every caller gets. */
function hint(
  check: string,
  { code }: TokenProblem,
  jwt: DecodedJwt,
  tenantSetting = 'the settings',
): string | undefined {
  const { claims } = jwt;
  const looksLikeIdToken = scopesOf(jwt).length === 0 && claims.roles === undefined && claims.idtyp !== 'app';
  if (looksLikeIdToken && (code === 'wrong_audience' || check === 'scope' || check === 'user token'))
    return 'It looks like an ID token, which is for the client only: send the access token that came with it.';
  switch (code) {
    case 'wrong_audience':
      return `It is for ${printable(claims.aud)}.`;
    case 'wrong_tenant':
      return `It was issued by tenant ${printable(claims.tid)}; this server's is in ${tenantSetting}.`;
    case 'wrong_issuer':
      return `It was issued by ${printable(claims.iss)}.`;
    case 'insufficient_scope':
      return `It has ${scopesOf(jwt).length === 0 ? 'none' : printable(scopesOf(jwt).join(' '))}. The scope must be exposed by the API, and granted to the client application.`;
    case 'client_not_allowed':
      return `It was issued to ${printable(clientIdOf(jwt) ?? oidcClientIdOf(jwt))}.`;
    default:
      return undefined;
  }
}
