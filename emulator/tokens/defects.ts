import { createHmac } from 'node:crypto';
import { authServer } from '../seed';
import { graphAudience } from './audiences';
import { appOnlyClaims, type Grant, idTokenClaims } from './claims';
import { type Claims, encodePart } from './jwt';
import { type SigningKey } from './signingKeys';

/** A token before it is signed. A defect changes its content, or how it is signed or encoded. */
export interface Draft {
  header: Claims;
  claims: Claims;
  grant: Grant;
  key: SigningKey;
  /** A key that no service publishes. */
  untrustedKey: () => SigningKey;
  /** The signature of header and claims, in base64url. */
  sign: (signed: string) => string;
  /** Changes the finished token. */
  finish: (token: string) => string;
}

const hour = 3600;
const otherTenant = '0de20000-0000-4000-8000-0000000000ff';
const otherApp = '0de20000-0000-4000-8000-0000000000aa';

function signWithUntrustedKey(draft: Draft): void {
  draft.sign = (signed) => draft.untrustedKey().sign(signed);
}

function signedWith(draft: Draft, algorithm: string, digest: string): void {
  draft.header.alg = algorithm;
  draft.sign = (signed) => draft.key.sign(signed, digest);
}

function without(draft: Draft, ...names: string[]): void {
  draft.claims = Object.fromEntries(Object.entries(draft.claims).filter(([name]) => !names.includes(name)));
}

function withoutHeader(draft: Draft, name: string): void {
  draft.header = Object.fromEntries(Object.entries(draft.header).filter(([key]) => key !== name));
}

function shift(draft: Draft, seconds: number): void {
  for (const name of ['iat', 'nbf', 'exp']) {
    const value = draft.claims[name];
    if (typeof value === 'number') draft.claims[name] = value + seconds;
  }
}

/** All defects of tokens. A token has one at a time. */
const defects = {
  expired: (draft) => shift(draft, -draft.grant.lifetimeInSeconds - hour),
  not_yet_valid: (draft) => shift(draft, hour),
  no_expiry: (draft) => without(draft, 'exp'),
  wrong_audience: (draft) => void (draft.claims.aud = otherApp),
  graph_audience: (draft) => void (draft.claims.aud = graphAudience),
  audience_of_client: (draft) => void (draft.claims.aud = draft.grant.clientId),
  audience_array: (draft) => void (draft.claims.aud = [otherApp, draft.claims.aud]),
  no_audience: (draft) => without(draft, 'aud'),
  wrong_issuer: (draft) => void (draft.claims.iss = 'https://login.attacker.example/v2.0'),
  issuer_prefix: (draft) => void (draft.claims.iss = `${String(draft.claims.iss)}/`),
  no_issuer: (draft) => without(draft, 'iss'),
  other_tenant: (draft) => {
    draft.claims.iss = `${draft.grant.url}/${otherTenant}/v2.0`;
    draft.claims.tid = otherTenant;
  },
  tenant_mismatch: (draft) => void (draft.claims.tid = otherTenant),
  unknown_key: (draft) => {
    draft.header.kid = draft.untrustedKey().kid;
    signWithUntrustedKey(draft);
  },
  /** Names a published key, but is signed with another one. */
  wrong_key: signWithUntrustedKey,
  bad_signature: (draft) => {
    const { sign } = draft;
    draft.sign = (signed) => {
      const signature = Buffer.from(sign(signed), 'base64url');
      signature[0] = (signature[0] ?? 0) ^ 0xff;
      return signature.toString('base64url');
    };
  },
  tampered_claims: (draft) => {
    draft.finish = (token) => {
      const [header, , signature] = token.split('.');
      const claims = { ...draft.claims, oid: '00000000-0000-4000-8000-0000000000ee' };
      return [header, encodePart(claims), signature].join('.');
    };
  },
  alg_none: (draft) => {
    draft.header.alg = 'none';
    draft.sign = () => '';
  },
  hs256_with_public_key: (draft) => {
    draft.header.alg = 'HS256';
    const secret = draft.key.publicKey.export({ format: 'pem', type: 'spki' });
    draft.sign = (signed) => createHmac('sha256', secret).update(signed).digest('base64url');
  },
  rs512: (draft) => signedWith(draft, 'RS512', 'sha512'),
  embedded_jwk: (draft) => {
    const key = draft.untrustedKey();
    draft.header = { typ: 'JWT', alg: 'RS256', jwk: { kty: 'RSA', use: 'sig', ...key.jwk() } };
    signWithUntrustedKey(draft);
  },
  embedded_certificate: (draft) => {
    draft.header = { typ: 'JWT', alg: 'RS256', x5c: [draft.untrustedKey().certificate] };
    signWithUntrustedKey(draft);
  },
  no_kid: (draft) => {
    withoutHeader(draft, 'kid');
    withoutHeader(draft, 'x5t');
  },
  typ_missing: (draft) => withoutHeader(draft, 'typ'),
  no_scope: (draft) => without(draft, 'scp'),
  empty_scope: (draft) => void (draft.claims.scp = ''),
  wrong_scope: (draft) => void (draft.claims.scp = 'something_else'),
  scope_prefix: (draft) => void (draft.claims.scp = `${String(draft.claims.scp)}_of_another`),
  scope_case: (draft) => void (draft.claims.scp = String(draft.claims.scp).toUpperCase()),
  scope_array: (draft) => void (draft.claims.scp = String(draft.claims.scp).split(' ')),
  scope_in_roles: (draft) => {
    draft.claims.roles = String(draft.claims.scp).split(' ');
    without(draft, 'scp');
  },
  app_only: (draft) => void (draft.claims = appOnlyClaims(draft.grant, String(draft.claims.aud))),
  /** An ID token of the client, … */
  id_token: (draft) => void (draft.claims = idTokenClaims(draft.grant)),
  /** … and one whose audience is the API itself: an ID token all the same. */
  id_token_for_api: (draft) =>
    void (draft.claims = { ...idTokenClaims(draft.grant), aud: authServer.clientId }),
  no_oid: (draft) => without(draft, 'oid'),
  no_tid: (draft) => without(draft, 'tid'),
  wrong_user: (draft) => void (draft.claims.oid = '00000000-0000-4000-8000-0000000000ee'),
  wrong_app: (draft) => {
    if ('appid' in draft.claims) draft.claims.appid = otherApp;
    else draft.claims.azp = otherApp;
  },
  no_app: (draft) => without(draft, 'appid', 'azp'),
  truncated: (draft) => void (draft.finish = (token) => token.slice(0, token.lastIndexOf('.'))),
  cut_signature: (draft) => void (draft.finish = (token) => token.slice(0, -20)),
  claims_not_json: (draft) => {
    draft.finish = (token) => {
      const [header = ''] = token.split('.');
      const signed = `${header}.${Buffer.from('{"oid":').toString('base64url')}`;
      return `${signed}.${draft.key.sign(signed)}`;
    };
  },
  not_a_token: (draft) => void (draft.finish = () => 'not-a-token'),
} satisfies Record<string, (draft: Draft) => void>;

export type Defect = keyof typeof defects;

export const allDefects = Object.keys(defects) as [Defect, ...Defect[]];

export function applyDefect(defect: Defect, draft: Draft): void {
  const apply: (draft: Draft) => void = defects[defect];
  apply(draft);
}
