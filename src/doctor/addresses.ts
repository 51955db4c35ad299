import type { Config } from '../config/config';
import { graphStoreOf } from '../config/identities';
import type { ProviderConfig } from '../config/providers';
import type { SettingName } from '../config/settings';
import { settingsOfProvider } from './settings/providerSettings';

/** The address of a service, and what sets it. */
export interface Address {
  readonly setting: string;
  readonly url: string;
  readonly hasKey?: boolean;
  /** Of a provider whose tokens are only verified, so that it may be in another cloud; of Entra ID, without Teams tokens. */
  readonly inAnotherCloud?: 'works' | 'without Teams tokens';
}

/** The settings that contain addresses. */
export const addressSettings = [
  'AZURE_CLOUD',
  'AZURE_AUTHORITY_HOST',
  'GRAPH_ENDPOINT',
  'COMMUNICATION_SERVICES_CONNECTION_STRING',
  'COMMUNICATION_SERVICES_ENDPOINT',
  'TABLES_CONNECTION_STRING',
  'TABLES_ENDPOINT',
] as const;

export function addressesOf({ providers, communication, identities }: Config): Address[] {
  const graph = graphStoreOf(identities);
  const table = identities.store === 'table' ? identities.table : undefined;
  return [
    ...providers.map(addressOfProvider),
    ...(graph ? [{ setting: 'GRAPH_ENDPOINT', url: graph.endpoint }] : []),
    {
      setting: 'the Communication Services resource',
      url: communication.endpoint,
      hasKey: communication.accessKey !== undefined,
    },
    ...(table
      ? [{ setting: 'the table service', url: table.endpoint, hasKey: table.accountKey !== undefined }]
      : []),
  ];
}

function addressOfProvider(provider: ProviderConfig): Address {
  const ofSetting = (name: SettingName, url: string): Address => ({
    setting: settingsOfProvider(provider).find((setting) => setting.startsWith(name)) ?? name,
    url,
  });
  switch (provider.kind) {
    case 'entra': {
      const address = ofSetting('AZURE_AUTHORITY_HOST', provider.authorityHost);
      return provider.name === 'entra' ? address : { ...address, inAnotherCloud: 'without Teams tokens' };
    }
    case 'external_id':
      return { ...ofSetting('EXTERNAL_ID_AUTHORITY_HOST', provider.authorityHost), inAnotherCloud: 'works' };
    case 'b2c':
      return { ...ofSetting('B2C_AUTHORITY_HOST', provider.authorityHost), inAnotherCloud: 'works' };
    case 'oidc':
      return { ...ofSetting('OIDC_ISSUER', provider.issuer), inAnotherCloud: 'works' };
  }
}
