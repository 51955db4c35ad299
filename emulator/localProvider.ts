import type { LocalProviderName } from './commandLine';
import { b2cSeed, externalIdSeed } from './customers/seed';
import type { Emulator } from './emulator';

/** The identity provider of `npm run local`. */
export interface LocalProvider {
  readonly name: LocalProviderName;
  readonly settings: Record<string, string>;
  /** For the first screen. */
  readonly description: string;
  /** The options of `npm run token` for this provider. */
  readonly tokenOptions: string;
  accessToken(user: string): string;
}

export function localProvider(name: LocalProviderName, emulator: Emulator): LocalProvider {
  const { externalId, b2c } = emulator;
  const settings = { IDENTITY_PROVIDER: name };
  const tokenOptions = `--provider ${name} `;
  switch (name) {
    case 'entra':
      return {
        ...{ name, settings, description: 'Microsoft Entra ID', tokenOptions: '' },
        accessToken: (user) => emulator.accessToken({ user }),
      };
    case 'external_id':
      return {
        ...{ name, tokenOptions, settings: { ...settings, ...externalId.settings() } },
        description: `External ID, tenant ${externalIdSeed.tenantName}`,
        accessToken: (user) => externalId.accessToken({ user }),
      };
    case 'b2c':
      return {
        ...{ name, tokenOptions, settings: { ...settings, ...b2c.settings() } },
        description: `Azure AD B2C, policy ${b2cSeed.policies[0] ?? ''}`,
        accessToken: (user) => b2c.accessToken({ user }),
      };
    case 'oidc':
      // The external tenant again: its users sign in as with any OpenID Connect provider.
      return {
        name,
        tokenOptions,
        settings: {
          ...settings,
          OIDC_ISSUER: externalId.issuer,
          OIDC_AUDIENCE: externalId.apiClientId,
        },
        description: 'an OpenID Connect provider',
        accessToken: (user) => externalId.accessToken({ user }),
      };
  }
}
