import { b2cPolicyOf, wrongPolicyProblem } from '../../authentication/b2c/b2cProvider';
import {
  permissionChecks as entraPermissionChecks,
  validityChecks,
} from '../../authentication/entra/accessTokenChecks';
import { entraPolicy } from '../../authentication/entra/entraProvider';
import type { DecodedJwt } from '../../authentication/jwt';
import { permissionChecks, validityChecksOf } from '../../authentication/oidc/accessTokenChecks';
import { verifyByJose } from '../../authentication/oidc/joseStrategy';
import { joseProblem } from '../../authentication/oidc/oidcProvider';
import { type TokenProblem, unknownKeyProblem } from '../../authentication/tokenChecks';
import type { ProviderConfig } from '../../config/providers';
import type { ErrorCode } from '../../errors';
import type { OpenIdProvider } from '../openIdProviders';
import type { EntraDoctorContext } from '../context';
import { settingsOfProvider } from '../settings/providerSettings';
import { findSignatureProblem } from './signature';

/** One of the server's checks, for one token. */
export interface TokenRule {
  readonly name: string;
  /** The response if it fails. */
  readonly code: ErrorCode;
  readonly find: (nowInSeconds: number) => TokenProblem | undefined;
}

/** Everything that the server checks of one token, in its order. */
export interface TokenRules {
  /** What identifies the user. */
  readonly userClaim: string;
  /** The setting that names the tenant; absent if the provider has none. */
  readonly tenantSetting: string | undefined;
  readonly validity: readonly TokenRule[];
  readonly signature: () => Promise<TokenProblem | undefined>;
  readonly permission: readonly TokenRule[];
}

export async function entraRules(
  { entra, authority }: EntraDoctorContext,
  text: string,
  jwt: DecodedJwt,
): Promise<TokenRules> {
  const { issuers } = await authority.metadata();
  const policy = entraPolicy(entra, () => issuers);
  return {
    userClaim: 'oid',
    tenantSetting: tenantSettingOf(entra),
    validity: validityChecks.map(({ name, find }) => ({
      name,
      code: 'invalid_token',
      find: (now) => find(jwt, policy, now),
    })),
    signature: () => findSignatureProblem(text, jwt, authority),
    permission: entraPermissionChecks.map(({ name, code, find }) => ({
      name,
      code,
      find: (now) => find(jwt, policy, now),
    })),
  };
}

export function openIdRules(
  { config, policy, metadata }: OpenIdProvider,
  text: string,
  jwt: DecodedJwt,
): TokenRules {
  return {
    userClaim: policy.userClaim,
    tenantSetting: tenantSettingOf(config),
    validity: validityChecksOf(policy).map(({ name, find }) => ({
      name,
      code: 'invalid_token',
      find: (now) => find(jwt, policy, now),
    })),
    async signature() {
      const keys = await metadata.keysWithId(String(jwt.header.kid));
      const current = metadata.current();
      if (keys.length === 0 || !current) return unknownKeyProblem(jwt, policy.issuerName);
      const rejection = await verifyByJose(text, current, policy);
      // The other problems that jose finds are reported by the validity checks.
      return rejection === undefined || rejection === 'malformed'
        ? undefined
        : joseProblem(rejection, policy);
    },
    permission: permissionChecks.map(({ name, code, find }) => ({
      name,
      code,
      find: (now) => find(jwt, policy, now),
    })),
  };
}

function tenantSettingOf(provider: ProviderConfig): string | undefined {
  return settingsOfProvider(provider).find((setting) => setting.includes('TENANT_ID'));
}

/** The provider, or the policy of a provider, that would verify the token; a problem if there is none. */
export function chooseOpenIdProvider(
  providers: readonly OpenIdProvider[],
  jwt: DecodedJwt,
): OpenIdProvider | TokenProblem | undefined {
  const { iss } = jwt.claims;
  const ofIssuer = providers.filter(({ policy }) => typeof iss === 'string' && policy.issuers.includes(iss));
  const [first] = ofIssuer;
  if (first?.config.kind !== 'b2c') return first;
  const policy = b2cPolicyOf(jwt);
  const found = ofIssuer.find(({ label }) => label.endsWith(` ${policy ?? ''}`));
  return found ?? wrongPolicyProblem;
}
