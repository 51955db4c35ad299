import { isLoopback } from './formats';
import type { SettingName, SettingValues } from './settings';

/**
 * The credentials of .env.sample, which the emulator accepts. They are public, so anybody could act as this server, or forge
 * mappings, if they were used with real services.
 */
export const publishedCredentials = {
  clientSecret: 'emulator-only-auth-server-secret',
  accessKey: base64('emulator-only-access-key-not-a-real-one'),
  mappingKey: base64('emulator-only-identity-mapping-key'),
};

/** One problem for each published credential that is set together with a service that is not on this machine. */
export function publishedCredentialProblems(values: SettingValues, communicationEndpoint: string): string[] {
  const remote = Object.entries({
    AZURE_AUTHORITY_HOST: values.AZURE_AUTHORITY_HOST,
    GRAPH_ENDPOINT: values.GRAPH_ENDPOINT,
    'the Communication Services endpoint': communicationEndpoint,
  })
    .filter(([, url]) => !isLoopback(new URL(url)))
    .map(([name]) => name);
  if (remote.length === 0) return [];

  const published: SettingName[] = [];
  if (values.AZURE_CLIENT_SECRET === publishedCredentials.clientSecret) published.push('AZURE_CLIENT_SECRET');
  if (values.COMMUNICATION_SERVICES_CONNECTION_STRING?.accessKey === publishedCredentials.accessKey)
    published.push('COMMUNICATION_SERVICES_CONNECTION_STRING');
  if (values.IDENTITY_MAPPING_KEY.some((key) => key.toString('base64') === publishedCredentials.mappingKey))
    published.push('IDENTITY_MAPPING_KEY');
  return published.map(
    (name) =>
      `${name} is the value that .env.sample publishes for the emulator, but ${remote.join(', ')} ` +
      `${remote.length === 1 ? 'is' : 'are'} not on this machine: set your own value, or use the emulator for all services.`,
  );
}

function base64(text: string): string {
  return Buffer.from(text).toString('base64');
}
