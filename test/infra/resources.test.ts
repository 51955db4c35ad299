import Ajv from 'ajv';
import { appSettingsOf, keyOf, textsIn } from './armReader';
import { readArmTemplate } from './infraFiles';
import { publishedSchemas } from './publishedSchemas';

const template = readArmTemplate();
const resources = Object.entries(template.resources);
const properties = (name: string) => template.resources[name]?.properties;

describe('the resources of infra/azuredeploy.json', () => {
  const ajv = new Ajv({ strict: false });

  it.each(resources)('%s has the form that Azure publishes', (_name, resource) => {
    const published = publishedSchemas[keyOf(resource)];
    expect(published).toBeDefined();
    const validate = ajv.compile(published?.schema ?? false);
    validate(resource);
    expect(validate.errors).toBeNull();
  });

  it('would be rejected with a misspelt or mistyped property', () => {
    const { schema = false } = publishedSchemas['Microsoft.Web/sites@2023-12-01'] ?? {};
    const web = structuredClone(template.resources.web);
    expect(ajv.validate(schema, web)).toBe(true);
    expect(ajv.validate(schema, { ...web, properties: { httpOnly: true } })).toBe(false);
    expect(ajv.validate(schema, { ...web, properties: { httpsOnly: 'yes' } })).toBe(false);
  });

  it('name only parameters, variables and resources that exist', () => {
    const all = textsIn(template as never).filter((text) => text.startsWith('['));
    const named = (pattern: RegExp) =>
      new Set(all.flatMap((text) => [...text.matchAll(pattern)].map(([, name]) => name)));
    expect(Object.keys(template.parameters)).toEqual(
      expect.arrayContaining([...named(/parameters\('(\w+)'\)/g)]),
    );
    expect(Object.keys(template.variables)).toEqual(
      expect.arrayContaining([...named(/variables\('(\w+)'\)/g)]),
    );
    expect(Object.keys(template.resources)).toEqual(
      expect.arrayContaining([...named(/reference\('(\w+)'\)/g)]),
    );
    const dependencies = resources.flatMap(([, { dependsOn = [] }]) => dependsOn);
    expect(Object.keys(template.resources)).toEqual(expect.arrayContaining(dependencies));
  });

  it('has a Linux plan', () => {
    expect(template.resources.plan).toMatchObject({ kind: 'linux', properties: { reserved: true } });
  });

  it('has a staging slot, except on the one plan that allows none', () => {
    expect(template.parameters.planSku?.allowedValues).toContain('B1');
    expect(template.variables.hasStagingSlot).toBe("[not(equals(parameters('planSku'), 'B1'))]");
    const slotResources = resources.filter(([, { type }]) => type.startsWith('Microsoft.Web/sites/slots'));
    expect(slotResources.map(([, { condition }]) => condition)).toEqual(
      Array(3).fill("[variables('hasStagingSlot')]"),
    );
  });

  it.each(['web', 'slot'])('%s is warmed up until the server is ready', (name) => {
    expect(Object.fromEntries(appSettingsOf(template, name))).toMatchObject({
      WEBSITE_WARMUP_PATH: '/health/ready',
      WEBSITE_WARMUP_STATUSES: '200',
      WEBSITE_SWAP_WARMUP_PING_PATH: '/health/ready',
      WEBSITE_SWAP_WARMUP_PING_STATUSES: '200',
    });
  });

  it.each(['web', 'slot'])('%s is as secure as App Service allows', (name) => {
    expect(properties(name)).toMatchObject({
      httpsOnly: true,
      clientAffinityEnabled: false,
      siteConfig: {
        alwaysOn: true,
        http20Enabled: true,
        minTlsVersion: '1.2',
        scmMinTlsVersion: '1.2',
        ftpsState: 'Disabled',
        healthCheckPath: '/health/ready',
        linuxFxVersion: 'NODE|22-lts',
      },
    });
    expect(properties(`${name}FtpCredentials`)).toEqual({ allow: false });
    expect(properties(`${name}ScmCredentials`)).toEqual({ allow: false });
  });

  it('contain no usable key', () => {
    expect(properties('storage')).toMatchObject({
      allowSharedKeyAccess: false,
      allowBlobPublicAccess: false,
      minimumTlsVersion: 'TLS1_2',
    });
    expect(properties('vault')).toMatchObject({ enableRbacAuthorization: true, enablePurgeProtection: true });
    expect(template.parameters.mappingKey?.type).toBe('securestring');
    expect(template.resources.mappingKeySecret).toMatchObject({ '@options': { onlyIfNotExists: true } });
    expect(
      textsIn(template as never).filter((text) => /listKeys|listAccountSas|AccountKey/i.test(text)),
    ).toEqual([]);
    // A secret in an output could be read by everyone who can read the deployment.
    expect(
      textsIn(template.outputs as never).filter((text) => /mappingKey|ConnectionString/.test(text)),
    ).toEqual([]);
  });

  it('give the identity each role on one resource only', () => {
    const roles = resources.filter(([, { type }]) => type === 'Microsoft.Authorization/roleAssignments');
    const scopeTypes = roles.map(([name, { scope }]) => [
      name,
      /resourceId\('([^']+)'/.exec(scope ?? '')?.[1],
    ]);
    expect(Object.fromEntries(scopeTypes)).toEqual({
      communicationRole: 'Microsoft.Communication/communicationServices',
      tableRole: 'Microsoft.Storage/storageAccounts/tableServices/tables',
      secretRole: 'Microsoft.KeyVault/vaults/secrets',
    });
  });
});
