import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, relative } from 'node:path';

const require = createRequire(import.meta.url);
const namespace = 'imported-at-run-time';

/**
 * Gives `await import()` of a CommonJS module, ours or a package's, the named exports that Node gives it. With code splitting esbuild gives it only the
 * default export, so that the name would be undefined at run time.
 */
export const commonJsImports = {
  name: 'commonjs-imports',
  setup(build) {
    const project = build.initialOptions.absWorkingDir;
    build.onResolve({ filter: /.*/ }, async ({ path, kind, resolveDir, pluginData }) => {
      if (kind !== 'dynamic-import' || pluginData === namespace) return undefined;
      const resolved = await build.resolve(path, { kind, resolveDir, pluginData: namespace });
      const leave = resolved.external || resolved.errors.length > 0 || !isCommonJs(resolved.path);
      return leave ? resolved : { path: relative(project, resolved.path), namespace };
    });
    build.onLoad({ filter: /.*/, namespace }, ({ path }) => ({
      resolveDir: project,
      contents: [
        `const all = require(${JSON.stringify(`./${path}`)});`,
        'export default all;',
        ...Object.keys(require(join(project, path)))
          .filter((name) => name !== 'default' && /^[\w$]+$/.test(name))
          .map((name, index) => `const name${index} = all.${name}; export { name${index} as ${name} };`),
      ].join('\n'),
    }));
  },
};

function isCommonJs(file) {
  if (!file.endsWith('.js')) return file.endsWith('.cjs');
  return nearestPackageType(dirname(file)) !== 'module';
}

function nearestPackageType(folder) {
  const file = join(folder, 'package.json');
  if (existsSync(file)) return JSON.parse(readFileSync(file, 'utf8')).type;
  return dirname(folder) === folder ? undefined : nearestPackageType(dirname(folder));
}
