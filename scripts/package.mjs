/**
 * Makes what is deployed: build/package.zip, with its contents in build/package and its bill of materials in build/package.cdx.json.
 * The same sources and packages give the same bytes. Why a bundle: docs/decisions/0030-the-package-is-a-bundle.md.
 */
import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { bundle } from './package/bundle.mjs';
import { listFiles, writeZip } from './package/files.mjs';
import { collectLicenses, packageFolders } from './package/licenses.mjs';

const project = join(dirname(fileURLToPath(import.meta.url)), '..');
const require = createRequire(import.meta.url);
const output = process.argv[2] ?? join(project, 'build');
const folder = join(output, 'package');
const zipPath = join(output, 'package.zip');
const billPath = join(output, 'package.cdx.json');

rmSync(folder, { recursive: true, force: true });
mkdirSync(folder, { recursive: true });

const viewer = 'swagger-ui-dist';
const metafile = await bundle({ project, outdir: join(folder, 'dist'), copied: [viewer] });
copyViewer();
// Modules that a plugin created have a prefix, and wrap a file that is also in the list.
const inputFiles = Object.keys(metafile.inputs).filter((file) => !file.includes(':'));
const files = [...inputFiles, `node_modules/${viewer}/package.json`];
writeFileSync(join(folder, 'THIRD-PARTY-NOTICES.txt'), collectLicenses(project, packageFolders(files)));
for (const file of ['openapi.yaml', 'docs/errors.md', 'LICENSE.md'])
  cpSync(join(project, file), join(folder, file));
writePackageJson();
writeZip(folder, zipPath);
writeBill();
printSummary();

/** Swagger UI is served to browsers, not run here: its files are copied as they are. */
function copyViewer() {
  const { viewerFiles } = require(join(project, 'dist/http/apiDocs/apiDocs.js'));
  for (const file of ['/package.json', ...viewerFiles]) {
    const path = join('node_modules', viewer, file);
    cpSync(join(project, path), join(folder, path));
  }
}

/**
 * Without dependencies: they are in the bundle, and nothing must be installed. `exec` lets a SIGTERM to npm reach the server instead of
 * a shell between them, which would end without it.
 */
function writePackageJson() {
  const { name, version, description, license, engines } = JSON.parse(
    readFileSync(join(project, 'package.json'), 'utf8'),
  );
  const scripts = {
    start: 'exec node dist/server.js',
    doctor: 'node dist/doctor.js',
    erase: 'node dist/erase.js',
  };
  const content = { name, version, description, license, private: true, type: 'module', engines, scripts };
  writeFileSync(join(folder, 'package.json'), `${JSON.stringify(content, null, 2)}\n`);
}

/** Lists what is in the package: the packages of the bundle, and the one that is copied. */
function writeBill() {
  const viewerFile = `node_modules/${viewer}/swagger-ui-bundle.js`;
  const entry = 'dist/server.js';
  const inputs = { ...metafile.inputs, [viewerFile]: { bytes: 0, imports: [] } };
  inputs[entry].imports.push({ path: viewerFile, kind: 'require-call' });
  for (const result of Object.values(metafile.outputs)) {
    if (result.entryPoint === entry) result.inputs[viewerFile] = { bytesInOutput: 0 };
  }
  const metafilePath = join(output, 'package.metafile.json');
  writeFileSync(metafilePath, JSON.stringify({ ...metafile, inputs }));
  const cli = join(project, 'node_modules/@cyclonedx/cyclonedx-esbuild/bin/cyclonedx-esbuild-cli.js');
  execFileSync(process.execPath, [cli, '--output-reproducible', '-o', billPath, metafilePath], {
    cwd: project,
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  rmSync(metafilePath);
}

function printSummary() {
  const megabytes = (bytes) => `${(bytes / 1_000_000).toFixed(1)} MB`;
  const paths = listFiles(folder);
  const unpacked = paths.reduce((sum, path) => sum + statSync(join(folder, path)).size, 0);
  process.stdout.write(
    `${zipPath}: ${megabytes(statSync(zipPath).size)}, ${paths.length} files, ${megabytes(unpacked)} unpacked\n${billPath}\n`,
  );
}
