import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { loadConfig } from '../../src/config/config';
import { settings } from '../../src/config/settings';
import { projectRoot, readDocument } from '../docs/markdown';
import { appSettingsOf } from './armReader';
import { evaluate } from './armEvaluation';
import { readArmTemplate } from './infraFiles';

/** Settings of App Service and Node, which the server does not read as settings of its own. */
const ofPlatform = [
  'NODE_ENV',
  'SCM_DO_BUILD_DURING_DEPLOYMENT',
  'WEBSITE_RUN_FROM_PACKAGE',
  'WEBSITE_SWAP_WARMUP_PING_PATH',
  'WEBSITE_SWAP_WARMUP_PING_STATUSES',
  'WEBSITE_WARMUP_PATH',
  'WEBSITE_WARMUP_STATUSES',
];
const template = readArmTemplate();
const ownSettings = (resource: string) =>
  [...appSettingsOf(template, resource).keys()].filter((name) => !ofPlatform.includes(name));

describe('the app settings of the templates', () => {
  it('are settings that the server reads', () => {
    expect(ownSettings('web').filter((name) => !(name in settings))).toEqual([]);
  });

  it('are the same in the staging slot', () => {
    expect(appSettingsOf(template, 'slot')).toEqual(appSettingsOf(template, 'web'));
  });

  it('that stay with a slot are settings that the server reads', () => {
    const { appSettingNames } = template.resources.webSlotSettings?.properties as {
      appSettingNames: string[];
    };
    expect(Object.keys(settings)).toEqual(expect.arrayContaining(appSettingNames));
  });

  it('are all that the server needs, with each store', () => {
    for (const identityStore of template.parameters.identityStore?.allowedValues ?? []) {
      const { communication, entra } = loadConfig(valuesWith({ identityStore }));
      expect(communication).toMatchObject({
        endpoint: 'https://contoso.communication.azure.com',
        accessKey: undefined,
      });
      expect(entra?.credential?.kind).toBe(identityStore === 'graph' ? 'managed_identity' : undefined);
    }
  });

  it('name no secret but by a reference', () => {
    expect(valuesWith({ identityStore: 'table' }).IDENTITY_MAPPING_KEY).toBe('');
    const { IDENTITY_MAPPING_KEY } = appValues({ identityStore: 'graph' });
    expect(IDENTITY_MAPPING_KEY).toMatch(
      /^@Microsoft\.KeyVault\(SecretUri=https:\/\/acsauth-\w+\.vault\.azure\.net\/secrets\/identity-mapping-key\)$/,
    );
    expect(ownSettings('web')).not.toContain('AZURE_CLIENT_SECRET');
  });
});

it('the role on Communication Services is the one that the doctor and the documents name', () => {
  const role = 'Communication and Email Service Owner';
  expect(template.variables.communicationOwnerRole).toBe('09976791-48a7-449e-bb21-39d1a415f350');
  expect(readFileSync(join(projectRoot, 'src/doctor/checks/communication.ts'), 'utf8')).toContain(role);
  expect(readDocument('docs/deploy-to-azure.md').text).toContain(role);
});

/** The settings as App Service computes them. */
function appValues(parameters: Record<string, string>): Record<string, string> {
  const all = { authServerClientId: '22222222-0000-4000-8000-000000000002', ...parameters };
  return Object.fromEntries(
    [...appSettingsOf(template, 'web')].map(([name, value]) => [name, evaluate(template, all, value)]),
  );
}

/** The settings as the server gets them: App Service replaces the reference by the secret. */
function valuesWith(parameters: Record<string, string>): Record<string, string> {
  const values = appValues(parameters);
  return values.IDENTITY_MAPPING_KEY?.startsWith('@Microsoft.KeyVault(')
    ? {
        ...values,
        IDENTITY_MAPPING_KEY: evaluate(template, {}, template.parameters.mappingKey?.defaultValue ?? ''),
      }
    : values;
}
