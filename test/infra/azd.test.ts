import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import Ajv from 'ajv';
import { parse } from 'yaml';
import { projectRoot } from '../docs/markdown';
import { type Declaration, declarationsOf, parseBicep, part, parts } from './bicepSyntax';
import { inInfra } from './infraFiles';

/** From github.com/Azure/azure-dev, schemas/v1.0/azure.yaml.json, reduced to what azure.yaml uses. */
const hook = {
  type: 'object',
  properties: {
    shell: { enum: ['sh', 'pwsh'] },
    run: { type: 'string' },
    continueOnError: { type: 'boolean' },
    interactive: { type: 'boolean' },
  },
  required: ['run'],
  additionalProperties: false,
};
const azdSchema = {
  type: 'object',
  properties: {
    name: { type: 'string', minLength: 2, pattern: '^[a-z0-9]([-a-z0-9]*[a-z0-9])?$' },
    requiredVersions: {
      type: 'object',
      properties: { azd: { type: 'string' } },
      additionalProperties: false,
    },
    infra: {
      type: 'object',
      properties: {
        provider: { enum: ['bicep', 'terraform'] },
        path: { type: 'string' },
        module: { type: 'string' },
      },
      additionalProperties: false,
    },
    services: {
      type: 'object',
      minProperties: 1,
      additionalProperties: {
        type: 'object',
        properties: {
          project: { type: 'string' },
          host: { const: 'appservice' },
          language: { enum: ['js', 'ts'] },
          dist: { type: 'string' },
        },
        required: ['project', 'host'],
        additionalProperties: false,
      },
    },
    workflows: {
      type: 'object',
      properties: {
        up: {
          type: 'object',
          properties: {
            steps: {
              type: 'array',
              items: {
                type: 'object',
                properties: { azd: { type: 'string' } },
                required: ['azd'],
                additionalProperties: false,
              },
            },
          },
          required: ['steps'],
          additionalProperties: false,
        },
      },
      additionalProperties: false,
    },
    hooks: {
      type: 'object',
      properties: { preprovision: hook, postprovision: hook, predeploy: hook, postdeploy: hook },
      additionalProperties: false,
    },
  },
  required: ['name'],
  additionalProperties: false,
};

const azdText = readFileSync(join(projectRoot, 'azure.yaml'), 'utf8');
const azd = parse(azdText) as { services: object; infra: { path: string; module: string } };
const { parameters } = JSON.parse(readFileSync(inInfra('main.parameters.json'), 'utf8')) as {
  parameters: Record<string, { value: string }>;
};

describe('azure.yaml', () => {
  it('has the form that azd publishes', () => {
    const validate = new Ajv({ strict: false }).compile(azdSchema);
    validate(azd);
    expect(validate.errors).toBeNull();
  });

  it('runs scripts and npm scripts that exist', () => {
    const { scripts } = JSON.parse(readFileSync(join(projectRoot, 'package.json'), 'utf8')) as {
      scripts: Record<string, string>;
    };
    const files = [...azdText.matchAll(/bash (\S+)/g)].map(([, file = '']) => file);
    expect(files.length).toBeGreaterThan(0);
    expect(files.filter((file) => !existsSync(join(projectRoot, file)))).toEqual([]);
    const called = [...azdText.matchAll(/npm run (\S+)/g)].map(([, name = '']) => name);
    expect(Object.keys(scripts)).toEqual(expect.arrayContaining(called));
  });

  it('names the service that the web app is tagged with', () => {
    const [service] = Object.keys(azd.services);
    expect(readFileSync(inInfra('app.bicep'), 'utf8')).toContain(`'azd-service-name': '${service}'`);
    expect(azdText).toContain(`azd: deploy ${service} --from-package`);
  });
});

describe('infra/main.bicep', () => {
  const named = (all: Declaration[], kind: Declaration['kind']) =>
    all.filter((each) => each.kind === kind).map(({ name }) => name);
  const required = (all: Declaration[]) =>
    all.filter(({ kind, node }) => kind === 'parameter' && parts(node).length < 3).map(({ name }) => name);
  let main: Declaration[];
  let app: Declaration[];
  beforeAll(async () => {
    main = declarationsOf(await parseBicep(inInfra('main.bicep')));
    app = declarationsOf(await parseBicep(inInfra('app.bicep')));
  });

  it('gets every parameter from azd', () => {
    expect(Object.keys(parameters).sort()).toEqual(named(main, 'parameter').sort());
  });

  it('passes to app.bicep what it asks for', () => {
    const [module] = main.filter(({ kind }) => kind === 'module');
    const body = module && parts(part(module.node, 2)).find((each) => part(each, 0).text === 'params');
    const passed = body ? parts(part(body, 1)).map((each) => part(each, 0).text) : [];
    expect(named(app, 'parameter')).toEqual(expect.arrayContaining(passed));
    expect(passed).toEqual(expect.arrayContaining(required(app)));
  });

  it('uses outputs that app.bicep has', () => {
    const outputs = main.filter(({ kind }) => kind === 'output').map(({ node }) => part(node, 2).text);
    const ofApp = outputs.flatMap((text) => /^app\.outputs\.(\w+)$/.exec(text)?.[1] ?? []);
    expect(ofApp).toHaveLength(3);
    expect(named(app, 'output')).toEqual(expect.arrayContaining(ofApp));
  });

  it.each(['identityStore', 'graphExtensionName', 'dataLocation', 'planSku'])(
    'has the same default and values of %s as app.bicep and azd',
    (name) => {
      const describeIn = (all: Declaration[]) => {
        const found = all.find((each) => each.kind === 'parameter' && each.name === name);
        return {
          value: found && part(found.node, 2).text,
          allowed: found?.decorators.get('allowed')?.map(({ text }) => text),
        };
      };
      expect(describeIn(main)).toEqual(describeIn(app));
      expect(parameters[name]?.value).toMatch(/^\$\{\w+=/);
      expect(`'${parameters[name]?.value.replace(/^.*=/, '').replace('}', '')}'`).toBe(describeIn(app).value);
    },
  );

  it('gives the hooks what they read, and reads what they set', () => {
    const script = readFileSync(join(projectRoot, 'scripts', 'azd-hook.sh'), 'utf8');
    const set = [...script.matchAll(/^ +azd env set (\w+)/gm)].map(([, name]) => name);
    const fromAzd = Object.values(parameters).map(({ value }) => /^\$\{(\w+)/.exec(value)?.[1]);
    expect(fromAzd).toEqual(expect.arrayContaining(set));
    const outputs = ['MANAGED_IDENTITY_PRINCIPAL_ID', 'WEB_APP_URL'];
    outputs.forEach((name) => expect(script).toContain(`$${name}`));
    expect(named(main, 'output')).toEqual(expect.arrayContaining(outputs));
  });
});
