import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'dotenv';
import { type Emulator, startEmulator } from '../../emulator/startEmulator';
import { developmentMappingKey, developmentPort } from '../../emulator/seed';
import { loadConfig } from '../../src/config/config';
import { settings, type SettingName } from '../../src/config/settings';
import { projectRoot, readDocument, tableRows } from './markdown';

const names = Object.keys(settings) as SettingName[];
const sampleText = readFileSync(join(projectRoot, '.env.sample'), 'utf8');
const sample = parse(sampleText);

describe.each(['README.md', 'docs/settings.md'])('the settings in %s', (path) => {
  const rows = tableRows(readDocument(path));

  it('are those of the server', () => {
    const described = [...rows.keys()].filter((name) => /^[A-Z_]+$/.test(name));
    expect(described.sort()).toEqual([...names].sort());
  });

  it.each(names)('tell the default of %s', (name) => {
    const { defaultText: fallback, schema } = settings[name];
    const isRequired = fallback === undefined && !schema.safeParse(undefined).success;
    const [shownDefault = ''] = rows.get(name)?.split('|') ?? [];
    if (fallback) expect(shownDefault.trim()).toBe(`\`${fallback}\``);
    else if (isRequired) expect(shownDefault.trim()).toBe('required');
    else expect(shownDefault.trim()).not.toBe('');
  });
});

describe('.env.sample', () => {
  it('has every setting, in the order of the server, and no other', () => {
    expect(Object.keys(sample)).toEqual(names);
  });

  it.each(names)('says of %s what it is', (name) => {
    expect(sampleText).toMatch(new RegExp(`^# .+\\n${name}=`, 'm'));
  });

  it('holds the defaults, where it holds no values of the emulator', () => {
    const ofEmulator = /^(AZURE_|GRAPH_ENDPOINT|COMMUNICATION_SERVICES_CONNECTION|IDENTITY_MAPPING_KEY|CORS)/;
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

    it('is what the emulator asks for', () => {
      const onItsPort = Object.entries(emulator.settings()).map(([name, value]) => [
        name,
        value.replace(emulator.url, `https://localhost:${developmentPort}`),
      ]);
      expect(sample).toMatchObject(Object.fromEntries(onItsPort) as Record<string, string>);
    });

    it('loads as it stands', () => {
      expect(loadConfig(sample)).toMatchObject({ port: 3000, entra: { tenantId: emulator.tenantId } });
    });
  });
});
