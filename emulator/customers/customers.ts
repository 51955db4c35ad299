import { json, type Call, type Handler, type Reply } from '../http/exchange';
import { type SigningKey } from '../tokens/signingKeys';
import { b2cTenant } from './b2c';
import { CustomerSignIn } from './customerSignIn';
import { CustomerTenant, type CustomerTenantParts } from './customerTenant';
import { externalIdTenant } from './externalId';
import { b2cSeed, externalIdSeed } from './seed';

export interface Customers {
  readonly url: string;
  readonly externalId: CustomerTenant;
  readonly b2c: CustomerTenant;
  readonly signIns: { readonly externalId: CustomerSignIn; readonly b2c: CustomerSignIn };
  /** Ends all sign-ins. */
  reset(): void;
}

export function createCustomers(parts: CustomerTenantParts): Customers {
  const externalId = new CustomerTenant(externalIdTenant(parts.url), parts);
  const b2c = new CustomerTenant(b2cTenant(parts.url), parts);
  const signIns = {
    externalId: new CustomerSignIn(externalId, parts, 'External ID'),
    b2c: new CustomerSignIn(b2c, parts, 'Azure AD B2C'),
  };
  const reset = (): void => {
    signIns.externalId.reset();
    signIns.b2c.reset();
  };
  return { url: parts.url, externalId, b2c, signIns, reset };
}

export function customerHandlers({ url, externalId, b2c, signIns }: Customers) {
  const tenantUrl = `${url}/${externalIdSeed.tenantId}`;
  const policyUrl = (policy: string): string =>
    `${url}/${b2cSeed.tenantName}.onmicrosoft.com/${policy.toLowerCase()}`;
  /** Policy names are not case-sensitive. */
  const forPolicy =
    (handle: (policy: string, call: Call) => Reply): Handler =>
    (call: Call) => {
      const { policy = '' } = call.params;
      const known = b2cSeed.policies.find((candidate) => candidate.toLowerCase() === policy.toLowerCase());
      return known !== undefined
        ? handle(known, call)
        : json(404, { error: { code: 'AADB2C90047', message: `The policy ${policy} does not exist.` } });
    };
  return {
    'externalId.discovery': (): Reply => discovery(externalId.issuer, tenantUrl),
    'externalId.keys': (): Reply =>
      keys(externalId, ({ kid, certificate }) => ({
        x5t: kid,
        x5c: [certificate],
        issuer: externalId.issuer,
      })),
    'b2c.discovery': forPolicy((policy) => discovery(b2c.issuer, policyUrl(policy))),
    'b2c.keys': forPolicy(() => keys(b2c)),
    'externalId.authorize': (call: Call): Reply => signIns.externalId.authorize(call),
    'externalId.signIn': (call: Call): Reply => signIns.externalId.signIn(call),
    'externalId.token': (call: Call): Reply => signIns.externalId.token(call),
    'externalId.logout': (call: Call): Reply => signIns.externalId.logout(call),
    'b2c.authorize': forPolicy((policy, call) => signIns.b2c.authorize(call, policy)),
    'b2c.signIn': forPolicy((policy, call) => signIns.b2c.signIn(call, policy)),
    'b2c.token': forPolicy((policy, call) => signIns.b2c.token(call, policy)),
    'b2c.logout': forPolicy((_policy, call) => signIns.b2c.logout(call)),
  };
}

function discovery(issuer: string, baseUrl: string): Reply {
  return json(200, {
    issuer,
    authorization_endpoint: `${baseUrl}/oauth2/v2.0/authorize`,
    token_endpoint: `${baseUrl}/oauth2/v2.0/token`,
    end_session_endpoint: `${baseUrl}/oauth2/v2.0/logout`,
    jwks_uri: `${baseUrl}/discovery/v2.0/keys`,
    response_modes_supported: ['query', 'fragment', 'form_post'],
    response_types_supported: ['code'],
    scopes_supported: ['openid'],
    subject_types_supported: ['pairwise'],
    id_token_signing_alg_values_supported: ['RS256'],
    token_endpoint_auth_methods_supported: ['client_secret_post'],
  });
}

function keys(tenant: CustomerTenant, more: (key: SigningKey) => object = () => ({})): Reply {
  const published = tenant.keys
    .published()
    .map((key) => ({ kty: 'RSA', use: 'sig', kid: key.kid, ...key.jwk(), ...more(key) }));
  return json(200, { keys: published });
}
