import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { projectRoot } from './markdown';

const folder = join(projectRoot, '.github/workflows');

interface Job {
  permissions?: unknown;
  'timeout-minutes'?: number;
}

describe.each(readdirSync(folder))('workflow %s', (name) => {
  const text = readFileSync(join(folder, name), 'utf8');
  const { permissions, jobs } = parse(text) as { permissions?: unknown; jobs: Record<string, Job> };

  it('names each action by a commit hash, with its version in a comment', () => {
    const uses = text.split('\n').filter((line) => /^\s*(- )?uses:/.test(line));
    const unpinned = uses.filter((line) => !/uses: [\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$/.test(line));
    expect(unpinned).toEqual([]);
  });

  it('may only read, unless a job says what else it may do', () => {
    expect(permissions).toEqual({ contents: 'read' });
    for (const job of Object.values(jobs)) {
      expect(typeof (job.permissions ?? {})).toBe('object');
      expect(job['timeout-minutes']).toBeLessThanOrEqual(30);
    }
  });

  it('uses no stored secret', () => {
    expect(text).not.toMatch(/secrets\.|publish-profile/);
  });
});
