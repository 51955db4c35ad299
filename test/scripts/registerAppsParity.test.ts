import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { projectRoot } from '../docs/markdown';

/** PowerShell is not available here, so its script is compared with the one in bash, which the tests run. */
const read = (name: string) => readFileSync(join(projectRoot, 'scripts', name), 'utf8');
const bash = read('register-apps.sh').replace(/\\\n\s*/g, '');
const powerShell = read('register-apps.ps1');

/** The words of each call, with `$` for what differs by language: variables, and JSON that PowerShell passes in a file. */
function callsIn(text: string, pattern: RegExp): string[] {
  const calls = [...text.matchAll(pattern)].map(([, call = '']) =>
    call
      .replace(/"\$\([^]*$/, '$')
      .replace(/\$\{[^}]*\}|\$\w+/g, '$')
      .replace(/@\$/g, '$')
      .replace(/"|(?<!=)'(?=[^'=]*'(?:\s|$))|(?<=\S)'(?=\s|$)/g, '')
      .trim(),
  );
  return calls.sort();
}

test('both scripts make the same calls of az', () => {
  const inBash = callsIn(
    bash,
    /^(?!\s*#)[^#\n]*?\baz ((?:account|cloud|ad|rest)\b[^\n]*?)(?:\)?(?: \|\|.*| &&.*| in)?$|\)$)/gm,
  );
  const inPowerShell = callsIn(
    powerShell,
    /Invoke-Az ((?:account|cloud|ad|rest)\b[^\n]*?)(?: \}.*|\)(?:\.TrimEnd.*| \{)?)?$/gm,
  );
  expect(inPowerShell).toEqual(inBash);
  expect(inBash.length).toBeGreaterThan(18);
});

test('both scripts have the same options', () => {
  const [, usage = ''] = /cat <<'TEXT'\n([^]*?)\nTEXT/.exec(bash) ?? [];
  const inBash = [...usage.matchAll(/^ {2}--([a-z-]+)/gm)]
    .map(([, name = '']) => name)
    // PowerShell has Get-Help, and a variable $Env for another purpose.
    .filter((name) => name !== 'help')
    .map((name) =>
      (name === 'env' ? 'env-file' : name).replace(/(^|-)(\w)/g, (_, _dash, letter: string) =>
        letter.toUpperCase(),
      ),
    );
  const [, parameters = ''] = /\nparam\(\n([^]*?)\n\)/.exec(powerShell) ?? [];
  const inPowerShell = [...parameters.matchAll(/\] \$(\w+)/g)].map(([, name]) => name);
  expect(inPowerShell.sort()).toEqual(inBash.sort());
  for (const name of inPowerShell) expect(powerShell).toContain(`.PARAMETER ${name}\n`);
});

test('both scripts write the same settings, and use the same ids and helpers', () => {
  const found = (text: string, pattern: RegExp) => [...new Set(text.match(pattern))].sort();
  for (const pattern of [
    /\b(?:AZURE|GRAPH|COMMUNICATION|IDENTITY|ALLOWED|CORS)_[A-Z_]+(?==| |\\|$)/gm,
    /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g,
    /\w+\.mjs/g,
    /api:\/\/AzureADTokenExchange\w*/g,
  ]) {
    expect(found(powerShell, pattern)).toEqual(found(bash, pattern));
  }
});

test('the script for PowerShell is in ASCII, which every version of PowerShell reads alike', () => {
  expect(powerShell).toMatch(/^[\n\x20-\x7e]*$/);
});
