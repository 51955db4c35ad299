import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** In the built files. */
const loadedOnDemand = /(?<=onDemand\)\(\(\) => )require(?=\()/g;

/** Shows esbuild an `import()`, at which it splits the code. */
export const onDemandImports = {
  name: 'on-demand-imports',
  setup(build) {
    const folder = join(build.initialOptions.absWorkingDir, 'dist');
    build.onLoad({ filter: /\.js$/ }, ({ path, namespace }) => {
      if (namespace !== 'file' || !path.startsWith(folder)) return undefined;
      return { contents: readFileSync(path, 'utf8').replace(loadedOnDemand, 'import') };
    });
  },
};

/**
 * Loads a part like `import()`, but tries again after a failure; Node 22.0 to 22.11 cannot. The name has the same length, so that the
 * source maps stay correct.
 */
export const loaderDeclaration =
  'const _load_=async file=>process.features.require_module?require(file):import(file);';

/** @param parts the names of the bundle's files */
export function replaceImports(text, parts) {
  return text.replace(/\bimport\((?="\.\/(?:parts\/)?([\w.-]+)"\))/g, (call, name) =>
    parts.has(name) ? '_load_(' : call,
  );
}
