import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { DockerfileParser } from 'dockerfile-ast';
import { projectRoot } from './markdown';

/** The image is not built here; its file is parsed and checked. */
describe('the Dockerfile', () => {
  const dockerfile = DockerfileParser.parse(readFileSync(join(projectRoot, 'Dockerfile'), 'utf8'));
  const instructions = dockerfile.getInstructions().map((instruction) => ({
    keyword: instruction.getKeyword(),
    text: instruction.getArgumentsContent() ?? '',
  }));
  const last = (keyword: string) =>
    instructions.findLast((instruction) => instruction.keyword === keyword)?.text;

  it('has known instructions only, and two stages', () => {
    const known = ['FROM', 'WORKDIR', 'COPY', 'RUN', 'ENV', 'USER', 'EXPOSE', 'HEALTHCHECK', 'CMD'];
    expect(instructions.filter(({ keyword }) => !known.includes(keyword))).toEqual([]);
    expect(dockerfile.getFROMs().map((from) => from.getBuildStage())).toEqual(['build', null]);
  });

  it('copies only what the build context contains', () => {
    const allowed = readFileSync(join(projectRoot, '.dockerignore'), 'utf8')
      .split('\n')
      .flatMap((line) => (line.startsWith('!') ? line.slice(1) : []));
    const sources = instructions
      .filter(({ keyword, text }) => keyword === 'COPY' && !text.startsWith('/'))
      .flatMap(({ text }) => text.split(' ').slice(0, -1));
    expect(sources.toSorted()).toEqual(allowed.toSorted());
  });

  it('runs the package as an unprivileged user, without a shell that would keep SIGTERM from the server', () => {
    expect(last('COPY')).toBe('/build/build/package ./');
    expect(last('USER')).toBe('node');
    expect(JSON.parse(last('CMD') ?? '')).toEqual(['node', 'dist/server.js']);
    expect(last('HEALTHCHECK')).toMatch(/CMD \["node", "-e", .*\/health\/ready/s);
  });
});
