import type { Defect } from '../../emulator/startEmulator';

export type Forbidden = 'insufficient_scope' | 'app_only_token' | 'client_not_allowed';

export type Outcome = 'accepted' | Forbidden | { invalid: string };

/** The result for a token with each defect: accepted, forbidden (403), or invalid (401) with a reason. */
export const outcomes: Record<Defect, Outcome> = {
  expired: { invalid: 'token_expired' },
  not_yet_valid: { invalid: 'token_not_yet_valid' },
  no_expiry: { invalid: 'no_expiry' },
  wrong_audience: { invalid: 'wrong_audience' },
  graph_audience: { invalid: 'token_for_graph' },
  audience_of_client: { invalid: 'wrong_audience' },
  audience_array: { invalid: 'wrong_audience' },
  no_audience: { invalid: 'wrong_audience' },
  wrong_issuer: { invalid: 'wrong_issuer' },
  issuer_prefix: { invalid: 'wrong_issuer' },
  no_issuer: { invalid: 'wrong_issuer' },
  other_tenant: { invalid: 'wrong_tenant' },
  tenant_mismatch: { invalid: 'wrong_tenant' },
  no_tid: { invalid: 'wrong_tenant' },
  unknown_key: { invalid: 'unknown_key' },
  wrong_key: { invalid: 'bad_signature' },
  bad_signature: { invalid: 'bad_signature' },
  cut_signature: { invalid: 'bad_signature' },
  tampered_claims: { invalid: 'bad_signature' },
  alg_none: { invalid: 'malformed_token' },
  hs256_with_public_key: { invalid: 'wrong_algorithm' },
  rs512: { invalid: 'wrong_algorithm' },
  embedded_jwk: { invalid: 'unknown_key' },
  embedded_certificate: { invalid: 'unknown_key' },
  no_kid: { invalid: 'unknown_key' },
  typ_missing: { invalid: 'malformed_token' },
  truncated: { invalid: 'malformed_token' },
  claims_not_json: { invalid: 'malformed_token' },
  not_a_token: { invalid: 'malformed_token' },
  no_oid: { invalid: 'no_object_id' },
  id_token: { invalid: 'wrong_audience' },
  id_token_for_api: 'insufficient_scope',
  no_scope: 'insufficient_scope',
  empty_scope: 'insufficient_scope',
  wrong_scope: 'insufficient_scope',
  scope_prefix: 'insufficient_scope',
  scope_case: 'insufficient_scope',
  scope_array: 'insufficient_scope',
  scope_in_roles: 'app_only_token',
  app_only: 'app_only_token',
  // These matter only for a Teams token, which must match the access token.
  wrong_user: 'accepted',
  wrong_app: 'accepted',
  no_app: 'accepted',
};
