import { type ProviderKind, type ProviderName, suffixOf, textOfProvider } from './identityProviders';
import type { SettingName, SettingValues } from './settings';

/** A configured identity provider. */
export type ProviderConfig = EntraProviderConfig | ExternalIdConfig | B2cConfig | OidcConfig;

interface CommonProviderConfig {
  /** As in IDENTITY_PROVIDER, such as `entra` or `oidc:partner`. */
  readonly name: string;
  /** Empty: any client application. */
  readonly allowedClientIds: readonly string[];
  /** The name of the setting that lists them. */
  readonly allowedClientIdsSetting: string;
}

export interface EntraProviderConfig extends CommonProviderConfig {
  readonly kind: 'entra';
  readonly authorityHost: string;
  readonly tenantId: string;
  readonly clientId: string;
  readonly audiences: readonly string[];
}

export interface ExternalIdConfig extends CommonProviderConfig {
  readonly kind: 'external_id';
  readonly authorityHost: string;
  readonly tenantId: string;
  readonly clientId: string;
}

export interface B2cConfig extends CommonProviderConfig {
  readonly kind: 'b2c';
  readonly authorityHost: string;
  readonly tenantId: string;
  readonly tenantName: string;
  readonly clientId: string;
  /** User flows or custom policies that may issue tokens, such as B2C_1_susi. */
  readonly policies: readonly string[];
}

export interface OidcConfig extends CommonProviderConfig {
  readonly kind: 'oidc';
  readonly issuer: string;
  readonly audience: string;
  readonly requiredScope: string;
  readonly userClaim: string;
  readonly algorithms: readonly string[];
}

export function isEntra(provider: ProviderConfig): provider is EntraProviderConfig {
  return provider.kind === 'entra';
}

/** The settings of each kind. A named provider has its own, with its name as suffix. */
export const settingsOfKind = {
  entra: [
    'AZURE_TENANT_ID',
    'AZURE_CLIENT_ID',
    'AZURE_APP_ID_URI',
    'AZURE_AUTHORITY_HOST',
    'ALLOWED_CLIENT_IDS',
  ],
  external_id: [
    'EXTERNAL_ID_TENANT_ID',
    'EXTERNAL_ID_TENANT_NAME',
    'EXTERNAL_ID_CLIENT_ID',
    'EXTERNAL_ID_AUTHORITY_HOST',
    'ALLOWED_CLIENT_IDS',
  ],
  b2c: [
    'B2C_TENANT_ID',
    'B2C_TENANT_NAME',
    'B2C_CLIENT_ID',
    'B2C_POLICIES',
    'B2C_AUTHORITY_HOST',
    'ALLOWED_CLIENT_IDS',
  ],
  oidc: [
    'OIDC_ISSUER',
    'OIDC_AUDIENCE',
    'OIDC_REQUIRED_SCOPE',
    'OIDC_USER_CLAIM',
    'OIDC_ALGORITHMS',
    'OIDC_ALLOWED_CLIENT_IDS',
  ],
} as const satisfies Record<ProviderKind, readonly SettingName[]>;

export type ProviderSetting = (typeof settingsOfKind)[ProviderKind][number];

export const providerSettingNames: ReadonlySet<SettingName> = new Set<SettingName>(
  Object.values(settingsOfKind).flat(),
);

/** Reads one setting, under its full name; undefined if it is missing or malformed, which is reported elsewhere. */
export type ReadSetting = <Name extends ProviderSetting>(
  name: Name,
  suffix: string,
) => SettingValues[Name] | undefined;

/** Undefined if a setting is missing or malformed. */
export function readProvider(provider: ProviderName, read: ReadSetting): ProviderConfig | undefined {
  const suffix = suffixOf(provider);
  const of = <Name extends ProviderSetting>(name: Name) => read(name, suffix);
  const common = (setting: 'ALLOWED_CLIENT_IDS' | 'OIDC_ALLOWED_CLIENT_IDS') => ({
    name: textOfProvider(provider),
    allowedClientIds: of(setting) ?? [],
    allowedClientIdsSetting: `${setting}${suffix}`,
  });
  switch (provider.kind) {
    case 'entra': {
      const [tenantId, clientId] = [of('AZURE_TENANT_ID'), of('AZURE_CLIENT_ID')];
      const [appIdUri, authorityHost] = [of('AZURE_APP_ID_URI'), of('AZURE_AUTHORITY_HOST')];
      const rest = common('ALLOWED_CLIENT_IDS');
      if (tenantId === undefined || clientId === undefined || authorityHost === undefined) return undefined;
      const audiences = [clientId, `api://${clientId}`, ...(appIdUri === undefined ? [] : [appIdUri])];
      return { kind: 'entra', ...rest, authorityHost, tenantId, clientId, audiences };
    }
    case 'external_id': {
      const [tenantId, tenantName] = [of('EXTERNAL_ID_TENANT_ID'), of('EXTERNAL_ID_TENANT_NAME')];
      const [clientId, host] = [of('EXTERNAL_ID_CLIENT_ID'), of('EXTERNAL_ID_AUTHORITY_HOST')];
      const rest = common('ALLOWED_CLIENT_IDS');
      if (tenantId === undefined || tenantName === undefined || clientId === undefined) return undefined;
      const authorityHost = host ?? `https://${tenantName.toLowerCase()}.ciamlogin.com`;
      return { kind: 'external_id', ...rest, authorityHost, tenantId, clientId };
    }
    case 'b2c': {
      const [tenantId, name] = [of('B2C_TENANT_ID'), of('B2C_TENANT_NAME')];
      const [clientId, policies, host] = [of('B2C_CLIENT_ID'), of('B2C_POLICIES'), of('B2C_AUTHORITY_HOST')];
      const rest = common('ALLOWED_CLIENT_IDS');
      if (tenantId === undefined || name === undefined || clientId === undefined || policies === undefined)
        return undefined;
      const tenantName = name.toLowerCase();
      const authorityHost = host ?? `https://${tenantName}.b2clogin.com`;
      return { kind: 'b2c', ...rest, authorityHost, tenantId, tenantName, clientId, policies };
    }
    case 'oidc': {
      const [issuer, audience, requiredScope] = [
        of('OIDC_ISSUER'),
        of('OIDC_AUDIENCE'),
        of('OIDC_REQUIRED_SCOPE'),
      ];
      const [userClaim, algorithms] = [of('OIDC_USER_CLAIM'), of('OIDC_ALGORITHMS')];
      const rest = common('OIDC_ALLOWED_CLIENT_IDS');
      if (
        issuer === undefined ||
        audience === undefined ||
        requiredScope === undefined ||
        userClaim === undefined ||
        algorithms === undefined
      )
        return undefined;
      return { kind: 'oidc', ...rest, issuer, audience, requiredScope, userClaim, algorithms };
    }
  }
}

/** What distinguishes providers: a token goes to the provider whose issuer it names. */
function issuersOf(provider: ProviderConfig): string[] {
  switch (provider.kind) {
    // Two registrations in one tenant have the same version 1 issuer, whatever their sign-in hosts are.
    case 'entra':
      return [
        `https://sts.windows.net/${provider.tenantId}/`,
        `${provider.authorityHost}/${provider.tenantId}/v2.0`,
      ];
    // The second one if the tenant has its own domain.
    case 'external_id':
      return [
        `https://${provider.tenantId}.ciamlogin.com/${provider.tenantId}/v2.0`,
        `${provider.authorityHost}/${provider.tenantId}/v2.0`,
      ];
    case 'b2c':
      return [`${provider.authorityHost}/${provider.tenantId}/v2.0/`];
    case 'oidc':
      return [provider.issuer];
  }
}

function shareAnIssuer(one: ProviderConfig, other: ProviderConfig): boolean {
  const issuers = issuersOf(one);
  return issuersOf(other).some((issuer) => issuers.includes(issuer));
}

/** One problem for each provider that has the same issuer as an earlier one. */
export function sharedIssuerProblems(providers: readonly ProviderConfig[]): string[] {
  return providers.flatMap((provider, index) => {
    const earlier = providers.slice(0, index).find((other) => shareAnIssuer(other, provider));
    if (!earlier) return [];
    return [
      `IDENTITY_PROVIDER has ${earlier.name} and ${provider.name}, which are set to the same tenant or issuer: tokens are ` +
        'given to a provider by their issuer. Remove one, or correct its settings.',
    ];
  });
}
