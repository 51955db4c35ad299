import { type ProviderConfig, settingsOfKind } from '../../config/providers';

const allowedClientIds = /^(?:OIDC_)?ALLOWED_CLIENT_IDS/;

/** The settings that say where a provider is and which tokens are for this API. */
export function settingsOfProvider({ kind, allowedClientIdsSetting }: ProviderConfig): readonly string[] {
  const suffix = allowedClientIdsSetting.replace(allowedClientIds, '');
  return settingsOfKind[kind]
    .filter((setting) => !allowedClientIds.test(setting))
    .map((setting) => `${setting}${suffix}`);
}
