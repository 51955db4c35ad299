import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { builtinModules } from 'node:module';
import { basename, dirname, join, relative } from 'node:path';
import { build } from 'esbuild';
import { commonJsImports } from './commonJsImports.mjs';
import { loaderDeclaration, onDemandImports, replaceImports } from './onDemandImports.mjs';

/**
 * Calls to `require` that a bundle cannot follow, and why none is needed. Any other warning of the bundler is an error, so that a package
 * with unusual loading is detected here and not in production.
 */
const expectedWarnings = new Map([
  ['node_modules/express/lib/view.js', 'loads template engines; the server renders no views'],
  ['node_modules/@microsoft/microsoft-graph-client/', 'only asks whether `require` exists'],
]);

/** Packages that others load inside `try` and that are not installed. */
const absentPackages = new Map([['source-map-support', 'bunyan, to name source lines in its records']]);

/** What CommonJS modules expect, for the modules of the bundle; under other names, since some ES modules declare these themselves. */
const commonJsVariables = { __dirname: 'bundleFolder', __filename: 'bundleFile' };
const declarations = `
import { createRequire as bundleCreateRequire } from 'node:module';
import { dirname as bundleDirname } from 'node:path';
import { fileURLToPath as bundleFileURLToPath } from 'node:url';
const require = bundleCreateRequire(import.meta.url);
const bundleFile = bundleFileURLToPath(import.meta.url);
const bundleFolder = bundleDirname(bundleFile);`
  .trim()
  .replaceAll('\n', '');

/**
 * Bundles the built server, doctor and erasure. Code splitting puts modules that are imported at run time, such as the SDK of a store, into
 * separate files, which are loaded only when needed.
 *
 * @param outdir where the files go; they do not depend on it
 * @param copied packages that are copied to the package instead
 */
export async function bundle({ project, outdir, copied }) {
  const optional = optionalPackages(project);
  // The source maps are relative to this folder, wherever the files are written.
  const nominalOutdir = join(project, 'build/package/dist');
  const { metafile, warnings, outputFiles } = await build({
    absWorkingDir: project,
    entryPoints: { server: 'dist/server.js', doctor: 'dist/doctor/main.js', erase: 'dist/erase/main.js' },
    outdir: nominalOutdir,
    write: false,
    chunkNames: 'parts/[name]-[hash]',
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    target: 'node20.19',
    define: commonJsVariables,
    banner: { js: declarations + loaderDeclaration },
    plugins: [onDemandImports, commonJsImports],
    external: [...copied, ...optional],
    minifySyntax: true,
    minifyWhitespace: true,
    charset: 'ascii',
    legalComments: 'none',
    sourcemap: 'linked',
    sourcesContent: false,
    metafile: true,
    logLevel: 'silent',
    logOverride: {
      'unsupported-require-call': 'warning',
      'indirect-require': 'warning',
      'require-resolve-not-external': 'warning',
      'unsupported-dynamic-import': 'warning',
    },
  });
  const problems = [
    ...warnings.filter(isUnexpected).map(describe),
    ...missingFiles(outputFiles, copied),
    ...missingPackages(metafile, new Set([...copied, ...optional, ...absentPackages.keys()])),
  ];
  if (problems.length > 0) throw new Error(`The bundle would be incomplete:\n${problems.join('\n')}`);
  const parts = new Set(outputFiles.map(({ path }) => basename(path)));
  for (const { path, text } of outputFiles) {
    const file = join(outdir, relative(nominalOutdir, path));
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, path.endsWith('.js') ? replaceImports(text, parts) : text);
  }
  return metafile;
}

/** Packages that the server does not require: npm may omit them, and `--omit=optional` does. */
function optionalPackages(project) {
  const { packages } = JSON.parse(readFileSync(join(project, 'package-lock.json'), 'utf8'));
  return Object.entries(packages)
    .filter(([, { optional, dev }]) => optional && !dev)
    .map(([path]) => path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length));
}

function isUnexpected({ location }) {
  const file = location?.file ?? '';
  return ![...expectedWarnings.keys()].some((expected) => file.startsWith(expected));
}

function describe({ text, location }) {
  return `- ${location ? `${location.file}:${location.line}: ` : ''}${text}`;
}

/** Imports that the bundle leaves to Node, other than of Node's own modules and of packages that may be absent. */
function missingPackages({ outputs }, allowed) {
  const nodeModules = new Set(builtinModules);
  const missing = new Set();
  for (const { imports } of Object.values(outputs)) {
    for (const { path, external } of imports) {
      if (!external || path.startsWith('node:') || nodeModules.has(path)) continue;
      const name = path
        .split('/')
        .slice(0, path.startsWith('@') ? 2 : 1)
        .join('/');
      if (!allowed.has(name)) missing.add(`- ${path} is not in the bundle`);
    }
  }
  return missing;
}

/** Files that are looked up with `require.resolve`, which esbuild leaves alone, other than those of copied packages. */
function missingFiles(outputFiles, copied) {
  const lookups = outputFiles
    .filter(({ path }) => path.endsWith('.js'))
    .flatMap(({ text }) => [...text.matchAll(/\w*require\w*\.resolve\(\s*(?:["'`]([^"'`]*))?/g)]);
  return lookups
    .filter(([, file = '']) => !copied.some((name) => file.startsWith(`${name}/`)))
    .map(([call]) => `- the file of ${call}...) is not in the package`);
}
