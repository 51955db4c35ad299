import { loadConfig } from '../../src/config/config';
import { readUsableConfig } from '../../src/doctor/settings/usableConfig';

/** Each choice needs other settings, and all of them are missing or malformed. */
const choices = [
  {},
  { IDENTITY_STORE: 'table' },
  { IDENTITY_STORE: 'acs' },
  { IDENTITY_STORE: 'table', IDENTITY_PROVIDER: 'external_id' },
  { IDENTITY_STORE: 'table', IDENTITY_PROVIDER: 'b2c:partner,oidc' },
];
const malformed = [
  {},
  { AZURE_TENANT_ID: 'x', AZURE_AUTHORITY_HOST: 'x', GRAPH_ENDPOINT: 'x', AZURE_CLOUD: 'x', PORT: 'x' },
  { COMMUNICATION_SERVICES_ENDPOINT: 'x', TABLES_ENDPOINT: 'x', AZURE_CLIENT_ASSERTION: 'x' },
];

test.each(choices.flatMap((chosen) => malformed.map((more) => ({ ...chosen, ...more }))))(
  'the doctor continues with placeholders, and reports what the server would: %j',
  (environment: Record<string, string>) => {
    const { config, invalidSettings, problems } = readUsableConfig(environment);
    expect(config).toBeDefined();
    expect(problems).toEqual([]);
    let message = '';
    try {
      loadConfig(environment);
    } catch (error) {
      message = String(error);
    }
    for (const { name, suffix, reason } of invalidSettings)
      expect(message).toContain(`${name}${suffix} is ${reason}: `);
    expect(message).toContain(
      invalidSettings.length === 1 ? 'a setting is' : `${invalidSettings.length} settings are`,
    );
  },
);

test.each([{ IDENTITY_STORE: 'x' }, { IDENTITY_PROVIDER: 'x' }, { IDENTITY_PROVIDER: 'oidc' }])(
  'the doctor stops if it does not know what to check: %j',
  (environment) => expect(readUsableConfig(environment).config).toBeUndefined(),
);
