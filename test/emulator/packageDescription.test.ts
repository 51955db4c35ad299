import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { b2cSeed, externalIdSeed } from '../../emulator/customers/seed';
import { emulated } from '../../emulator/http/emulated';
import { projectRoot, readDocument } from '../docs/markdown';

const readme = readDocument('emulator/README.md');
const manifestOf = (path: string) =>
  JSON.parse(readFileSync(join(projectRoot, path), 'utf8')) as {
    version: string;
    private: boolean;
    license: string;
    engines: { node: string };
    dependencies: Record<string, string>;
    devDependencies?: Record<string, string>;
  };
const root = manifestOf('package.json');
const own = manifestOf('emulator/package.json');

/** The rows of the table of operations. */
const rows = readme.text
  .split('\n')
  .map((line) => /^\| `(\w+\.[\w.]+)` +\| `([^`]+)` +\| (.+?) +\| (.+?) +\|$/.exec(line)?.slice(1) ?? [])
  .flatMap(([operation, request, comparison = '', sources = '']) =>
    operation === undefined ? [] : [{ operation, request, comparison, sources }],
  );

describe('the table of operations in the README of the emulator', () => {
  test('lists exactly what is emulated', () => {
    expect(rows.map(({ operation, request }) => `${operation}: ${request ?? ''}`)).toEqual(
      emulated.map(({ operation, method, path }) => {
        const shown = path.replace(externalIdSeed.tenantId, '{tenant}').replace(b2cSeed.tenantName, '{name}');
        return `${operation}: ${method} ${shown}`;
      }),
    );
  });

  test('names a source of the real service for each', () => {
    const definitions = new Map(
      [...readme.text.matchAll(/^\[([\w-]+)\]: (\S+)$/gm)].map(([, name = '', url = '']) => [name, url]),
    );
    const named = rows.map(({ sources }) =>
      [...sources.matchAll(/\[([\w-]+)\]/g)].map(([, name = '']) => name),
    );
    const official =
      /^https:\/\/(learn\.microsoft\.com\/en-us\/|github\.com\/Azure\/azure-rest-api-specs\/|github\.com\/AzureAD\/)/;

    expect(named.filter((names) => names.length === 0)).toEqual([]);
    expect(new Set(named.flat())).toEqual(new Set(definitions.keys()));
    expect([...definitions.values()].filter((url) => !official.test(url))).toEqual([]);
  });

  test('describes how each compares', () => {
    expect(rows.filter(({ comparison }) => !comparison.endsWith('.'))).toEqual([]);
  });
});

describe('the package.json of the emulator', () => {
  test('depends on exactly what the emulator imports, in the versions of the root', () => {
    const folder = join(projectRoot, 'emulator');
    const imported = readdirSync(folder, { recursive: true, encoding: 'utf8' })
      .filter((file) => file.endsWith('.ts'))
      .flatMap((file) => [
        ...readFileSync(join(folder, file), 'utf8').matchAll(
          /^(?:import|} from|import .+ from) '([^.'][^']*)';$/gm,
        ),
      ])
      .map(([, name = '']) => name)
      .filter((name) => !name.startsWith('node:'));
    const versions = { ...root.devDependencies, ...root.dependencies };

    expect(own.dependencies).toEqual(Object.fromEntries(imported.map((name) => [name, versions[name]])));
  });

  test('agrees with the root in version, license and Node.js, and cannot be published', () => {
    const { version, license, engines } = root;
    expect(own).toMatchObject({ version, license, engines, private: true });
  });
});
