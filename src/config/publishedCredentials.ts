import { isLoopback } from './formats';
import { isEntra, type ProviderConfig } from './providers';
import type { ReadValues } from './requirements';
import type { SettingName } from './settings';
import { developmentAccount } from './tableConnection';

/**
 * The credentials of .env.sample, which the emulator accepts, and the account key of Azurite. They are public, so anybody could act
 * as this server, or forge mappings, if they were used with real services.
 */
export const publishedCredentials = {
  clientSecret: 'emulator-only-auth-server-secret',
  accessKey: base64('emulator-only-access-key-not-a-real-one'),
  mappingKey: base64('emulator-only-identity-mapping-key'),
  tablesAccountKey: developmentAccount.accountKey,
};

/** One problem for each published credential that is set together with a service that is not on this machine. */
export function publishedCredentialProblems(
  values: ReadValues,
  providers: readonly ProviderConfig[],
  communicationEndpoint: string,
): string[] {
  const services = {
    AZURE_AUTHORITY_HOST: providers.find(isEntra)?.authorityHost,
    GRAPH_ENDPOINT: values.GRAPH_ENDPOINT,
    'the table service': values.TABLES_CONNECTION_STRING?.endpoint ?? values.TABLES_ENDPOINT,
    'the Communication Services endpoint': communicationEndpoint,
  };
  const remote = Object.entries(services)
    .filter(([, url]) => url !== undefined && !isLoopback(new URL(url)))
    .map(([name]) => name);
  if (remote.length === 0) return [];

  const isPublished: Partial<Record<SettingName, boolean>> = {
    AZURE_CLIENT_SECRET: values.AZURE_CLIENT_SECRET === publishedCredentials.clientSecret,
    COMMUNICATION_SERVICES_CONNECTION_STRING:
      values.COMMUNICATION_SERVICES_CONNECTION_STRING?.accessKey === publishedCredentials.accessKey,
    IDENTITY_MAPPING_KEY:
      values.IDENTITY_MAPPING_KEY?.some(
        (key) => key.toString('base64') === publishedCredentials.mappingKey,
      ) ?? false,
  };
  const published: string[] = Object.entries(isPublished)
    .filter(([, is]) => is)
    .map(([name]) => name);
  const problems = published.map(
    (name) =>
      `${name} is the value that .env.sample publishes for the emulator, but ${remote.join(', ')} ` +
      `${remote.length === 1 ? 'is' : 'are'} not on this machine: set your own value, or use the emulator for all services.`,
  );
  // Only the table service is checked: Azurite may be used together with services in Azure.
  const tables = values.TABLES_CONNECTION_STRING;
  if (tables?.accountKey === publishedCredentials.tablesAccountKey && remote.includes('the table service')) {
    problems.push(
      'TABLES_CONNECTION_STRING has the account key that Azurite publishes, but its table service is not on this machine: ' +
        'set the connection string of your own account.',
    );
  }
  return problems;
}

function base64(text: string): string {
  return Buffer.from(text).toString('base64');
}
