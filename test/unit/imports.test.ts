import { execFileSync } from 'node:child_process';
import { join } from 'node:path';

const dist = join(__dirname, '../../dist');

/** The loaded packages and the global dispatcher of a process that has loaded the server. */
function loadParts(): { packages: string[]; dispatcher: boolean } {
  const script = `
    require(${JSON.stringify(join(dist, 'app'))});
    require(${JSON.stringify(join(dist, 'composition'))});
    const files = Object.keys(require.cache).flatMap((file) => /node_modules[\\\\/]((?:@[^\\\\/]+[\\\\/])?[^\\\\/]+)/.exec(file)?.[1] ?? []);
    const dispatcher = Symbol.for('undici.globalDispatcher.1') in globalThis;
    process.stdout.write(JSON.stringify({ packages: [...new Set(files)], dispatcher }));`;
  return JSON.parse(execFileSync(process.execPath, ['-e', script], { encoding: 'utf8' })) as ReturnType<
    typeof loadParts
  >;
}

describe('loading the server with default settings', () => {
  const { packages, dispatcher } = loadParts();

  it('does not set the global dispatcher of the process', () => {
    expect(dispatcher).toBe(false);
  });

  it.each(['@azure/identity', '@azure/data-tables', '@azure/msal-node', 'swagger-ui-dist', 'yaml'])(
    'does not load %s',
    (name) => {
      expect(packages).toContain('express');
      expect(packages).not.toContain(name);
    },
  );
});
