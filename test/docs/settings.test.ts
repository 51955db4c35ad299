import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'dotenv';
import { type Emulator, startEmulator } from '../../emulator/startEmulator';
import { developmentMappingKey, developmentPort } from '../../emulator/seed';
import { loadConfig } from '../../src/config/config';
import { settingsOfKind } from '../../src/config/providers';
import { settings, type SettingName } from '../../src/config/settings';
import { projectRoot, readDocument, tableRows } from './markdown';

const names = Object.keys(settings) as SettingName[];
const sampleText = readFileSync(join(projectRoot, '.env.sample'), 'utf8');
const sample = parse(sampleText);

const ofOtherProviders = new Set<SettingName>([
  ...settingsOfKind.external_id,
  ...settingsOfKind.b2c,
  ...settingsOfKind.oidc,
]);

/** With the default provider. */
const isRequired = (name: SettingName) =>
  !ofOtherProviders.has(name) &&
  settings[name].defaultText === undefined &&
  !settings[name].schema.safeParse(undefined).success;

/** The settings in a document's tables, with their rows. */
function describedSettings(path: string): Map<string, string> {
  return new Map([...tableRows(readDocument(path))].filter(([name]) => /^[A-Z0-9_]+$/.test(name)));
}

it('docs/settings.md describes exactly the settings', () => {
  expect([...describedSettings('docs/settings.md').keys()].sort()).toEqual([...names].sort());
});

it('the README describes only existing settings, and every required one', () => {
  const described = [...describedSettings('README.md').keys()];
  expect(names).toEqual(expect.arrayContaining(described));
  expect(described).toEqual(expect.arrayContaining(names.filter(isRequired)));
});

describe.each(['README.md', 'docs/settings.md'])('%s', (path) => {
  it.each([...describedSettings(path)])('has the default of %s', (name, row) => {
    const { defaultText: fallback } = settings[name as SettingName];
    const [shownDefault = ''] = row.split('|');
    if (fallback) expect(shownDefault.trim()).toBe(`\`${fallback}\``);
    else if (isRequired(name as SettingName)) expect(shownDefault.trim()).toBe('required');
    else expect(shownDefault.trim()).not.toBe('');
  });
});

describe('.env.sample', () => {
  it('has exactly the settings, in the order of the server', () => {
    expect(Object.keys(sample)).toEqual(names);
  });

  it.each(names)('describes %s', (name) => {
    expect(sampleText).toMatch(new RegExp(`^# .+\\n${name}=`, 'm'));
  });

  it('has the defaults, except for values of the emulator', () => {
    const ofEmulator =
      /^(AZURE_|GRAPH_ENDPOINT|COMMUNICATION_SERVICES_CONNECTION|IDENTITY_MAPPING_KEY|CORS|API_DOCS_CLIENT_ID)/;
    const others = names.filter((name) => !ofEmulator.test(name));
    expect(others.map((name) => [name, sample[name]])).toEqual(
      others.map((name) => [name, settings[name].defaultText ?? '']),
    );
  });

  describe('against the emulator', () => {
    let emulator: Emulator;
    beforeAll(async () => {
      emulator = await startEmulator({ mappingKey: developmentMappingKey });
    });
    afterAll(() => emulator.stop());

    it('matches the settings of the emulator', () => {
      const onItsPort = Object.entries(emulator.settings()).map(([name, value]) => [
        name,
        value.replace(emulator.url, `https://localhost:${developmentPort}`),
      ]);
      expect(sample).toMatchObject(Object.fromEntries(onItsPort) as Record<string, string>);
    });

    it('is valid as it is', () => {
      expect(loadConfig(sample)).toMatchObject({ port: 3000, entra: { tenantId: emulator.tenantId } });
    });
  });
});
