import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const separator = `\n${'-'.repeat(80)}\n`;

/** The folders of the packages that these files belong to, sorted. */
export function packageFolders(files) {
  const folders = files.flatMap((file) => /^(?:.*\/)?node_modules\/(?:@[^/]+\/)?[^/]+/.exec(file)?.[0] ?? []);
  return [...new Set(folders)].sort();
}

/** The licenses of these packages as one text. A package without a license stops the packaging. */
export function collectLicenses(project, folders) {
  const texts = folders.map((folder) => {
    const { name, version, license } = JSON.parse(
      readFileSync(join(project, folder, 'package.json'), 'utf8'),
    );
    const readAll = (pattern) =>
      readdirSync(join(project, folder))
        .filter((file) => pattern.test(file))
        .sort()
        .map((file) => readFileSync(join(project, folder, file), 'utf8').trim());
    const files = readAll(/^(licen[cs]e|copying|notice)/i);
    // Some old packages have their license at the end of the readme only.
    const inReadme = () =>
      readAll(/^readme/i).flatMap((text) => /^#+ *licen[cs]e\b[^]*/im.exec(text)?.[0] ?? []);
    const contents = files.length > 0 ? files : inReadme();
    if (contents.length === 0 && typeof license !== 'string') {
      throw new Error(`${name}@${version} names no license.`);
    }
    return [`${name} ${version}${typeof license === 'string' ? ` (${license})` : ''}`, ...contents].join(
      '\n\n',
    );
  });
  const sorted = [...new Set(texts)].sort();
  return `This package contains the following packages.\n${separator}${sorted.join(separator)}\n`;
}
