import type { Emulator } from '../../emulator/startEmulator';
import { b2cSeed, externalIdSeed } from '../../emulator/customers/seed';
import type { CustomerTenant } from '../../emulator/customers/customerTenant';

/** An identity provider other than Entra ID, as a server sees it. */
export interface TestProvider {
  readonly kind: 'external_id' | 'b2c' | 'oidc';
  /** The tenant that issues its tokens. */
  tenant(emulator: Emulator): CustomerTenant;
  /** The settings of a server for it; the store is one that needs no On-Behalf-Of. */
  settings(emulator: Emulator): Record<string, string>;
  /** The prefix of its operations in the emulator. */
  readonly operations: 'externalId' | 'b2c';
  /** How often its metadata is loaded for a key that is unknown. */
  readonly metadataCalls: Record<string, number>;
  readonly claimOfUser: 'oid' | 'sub';
  /** The other parameters of its challenges. */
  challenge(emulator: Emulator): { realm: string; authorization_uri?: string };
  readonly upstream: string;
}

const externalIdCalls = { 'externalId.discovery': 1, 'externalId.keys': 1 };

export const testProviders: readonly TestProvider[] = [
  {
    kind: 'external_id',
    tenant: ({ externalId }) => externalId,
    settings: ({ externalId }) => ({ IDENTITY_PROVIDER: 'external_id', ...externalId.settings() }),
    operations: 'externalId',
    metadataCalls: externalIdCalls,
    claimOfUser: 'oid',
    challenge: ({ url }) => ({
      realm: `api://${externalIdSeed.apiClientId}`,
      authorization_uri: `${url}/${externalIdSeed.tenantId}/oauth2/v2.0/authorize`,
    }),
    upstream: 'Microsoft Entra External ID',
  },
  {
    kind: 'b2c',
    tenant: ({ b2c }) => b2c,
    // One policy, which loads its metadata once.
    settings: ({ b2c }) => ({ IDENTITY_PROVIDER: 'b2c', ...b2c.settings(), B2C_POLICIES: 'B2C_1_susi' }),
    operations: 'b2c',
    metadataCalls: { 'b2c.discovery': 1, 'b2c.keys': 1 },
    claimOfUser: 'sub',
    challenge: ({ url }) => ({
      realm: b2cSeed.apiClientId,
      authorization_uri: `${url}/${b2cSeed.tenantName}.onmicrosoft.com/B2C_1_susi/oauth2/v2.0/authorize`,
    }),
    upstream: 'Azure AD B2C',
  },
  {
    // The external tenant again, used like any OpenID Connect provider.
    kind: 'oidc',
    tenant: ({ externalId }) => externalId,
    settings: ({ externalId }) => ({
      IDENTITY_PROVIDER: 'oidc',
      OIDC_ISSUER: externalId.issuer,
      OIDC_AUDIENCE: externalId.apiClientId,
    }),
    operations: 'externalId',
    metadataCalls: externalIdCalls,
    claimOfUser: 'sub',
    challenge: () => ({ realm: externalIdSeed.apiClientId }),
    upstream: 'the OpenID Connect provider',
  },
];
