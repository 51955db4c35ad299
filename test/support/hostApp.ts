import type { Emulator } from '../../emulator/startEmulator';
import type { AcsStoreOptions, CommunicationAuthSettings, EntraUsersOptions } from '../../src';

/** The options that `emulator.settings()` are, with the Graph store. */
export function graphOptionsOf(
  emulator: Emulator,
): EntraUsersOptions & Pick<CommunicationAuthSettings, 'communication'> {
  const settings = emulator.settings();
  const valueOf = (name: string) => settings[name] ?? '';
  return {
    providers: [
      {
        kind: 'entra',
        tenantId: valueOf('AZURE_TENANT_ID'),
        clientId: valueOf('AZURE_CLIENT_ID'),
        authorityHost: valueOf('AZURE_AUTHORITY_HOST'),
      },
    ],
    store: {
      kind: 'graph',
      clientSecret: valueOf('AZURE_CLIENT_SECRET'),
      mappingKey: valueOf('IDENTITY_MAPPING_KEY'),
      endpoint: valueOf('GRAPH_ENDPOINT'),
    },
    ...communicationOf(emulator),
  };
}

/** For users that the app signs in itself. */
export function acsOptionsOf(
  emulator: Emulator,
): Pick<CommunicationAuthSettings, 'communication'> & { store: AcsStoreOptions } {
  return {
    store: { kind: 'acs', mappingKey: emulator.settings().IDENTITY_MAPPING_KEY ?? '' },
    ...communicationOf(emulator),
  };
}

function communicationOf(emulator: Emulator): Pick<CommunicationAuthSettings, 'communication'> {
  return {
    communication: { connectionString: emulator.settings().COMMUNICATION_SERVICES_CONNECTION_STRING },
  };
}
