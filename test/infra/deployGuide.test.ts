import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { projectRoot, readDocument, tableRows } from '../docs/markdown';
import { readArmTemplate } from './infraFiles';

const guide = readDocument('docs/deploy-to-azure.md');
const shellBlocks = guide.codeBlocks.filter(({ info }) => info === 'sh').map(({ text }) => text);
const commands = shellBlocks.join('\n');
const template = readArmTemplate();
const read = (...path: string[]) => readFileSync(join(projectRoot, ...path), 'utf8');
const matches = (text: string, pattern: RegExp) => [...text.matchAll(pattern)].map(([, found = '']) => found);

describe('docs/deploy-to-azure.md', () => {
  it.each(shellBlocks.map((text): [string, string] => [text.split('\n')[0] ?? '', text]))(
    'has commands that bash can read: %s',
    (_firstLine, text) => {
      expect(spawnSync('bash', ['-n'], { input: text, encoding: 'utf8' }).stderr).toBe('');
      // A placeholder in angle brackets would be a redirection.
      expect(text).not.toMatch(/<[a-z]/);
    },
  );

  it('needs at most five commands to a first token', () => {
    const [first = ''] = shellBlocks;
    expect(first).toContain('/api/token');
    expect(first.trim().split('\n').length).toBeLessThanOrEqual(5);
  });

  it('names parameters and outputs that the template has', () => {
    const [, given = ''] = /--parameters((?:\\\n|.)+)/.exec(commands) ?? [];
    const parameters = [...matches(given, /(\w+)="/g), ...matches(guide.text, /pass `(\w+)=/g)];
    expect(parameters.length).toBeGreaterThan(3);
    expect(Object.keys(template.parameters)).toEqual(expect.arrayContaining(parameters));
    const required = Object.entries(template.parameters).filter(
      ([, { defaultValue }]) => defaultValue === undefined,
    );
    expect(parameters).toEqual(expect.arrayContaining(required.map(([name]) => name)));

    const outputs = matches(commands, /properties\.outputs\.(\w+)\.value/g);
    expect(outputs.length).toBeGreaterThan(2);
    expect(Object.keys(template.outputs)).toEqual(expect.arrayContaining(outputs));
  });

  it('names options that the script has', () => {
    const help = execFileSync('bash', [join(projectRoot, 'scripts', 'register-apps.sh'), '--help'], {
      encoding: 'utf8',
    });
    const used = guide.text
      .split('register-apps.sh')
      .slice(1)
      .flatMap((text) => {
        const [call = ''] = text.split(/[`\n]/);
        return matches(call, /(--[a-z-]+)/g);
      });
    expect(used.length).toBeGreaterThan(5);
    expect(matches(help, /^ +(--[a-z-]+)/gm)).toEqual(expect.arrayContaining(used));
  });

  it('describes every choice of azd, with its default', () => {
    const described = tableRows(guide);
    const fromAzd = read('infra', 'main.parameters.json') + read('scripts', 'azd-hook.sh');
    for (const [name, row] of described) {
      expect(fromAzd).toContain(name);
      const [, fallback] = new RegExp(`\\$\\{${name}(?:=|:-)([^}]+)\\}`).exec(fromAzd) ?? [];
      if (fallback !== undefined) expect(row).toContain(`\`${fallback}\``);
    }
    const set = matches(commands, /azd env set (\w+)/g);
    expect([...described.keys()]).toEqual(expect.arrayContaining(set));
  });

  it('names every variable of the workflow that deploys', () => {
    const variables = matches(read('.github', 'workflows', 'deploy.yml'), /vars\.(\w+)/g);
    expect(variables.length).toBeGreaterThan(3);
    expect(matches(guide.text, /`(AZURE_\w+)`/g)).toEqual(expect.arrayContaining(variables));
  });

  it('names files and names that exist', () => {
    const zips = new Set(matches(`${commands}${read('azure.yaml')}`, /(build\/\S+\.zip)/g));
    // What `npm run package` writes: see test/process/package.test.ts.
    expect([...zips]).toEqual(['build/package.zip']);
    const files = matches(commands, /(?:bash|--template-file) (\S+)/g).filter((file) => file !== '-n');
    expect(files.filter((file) => !existsSync(join(projectRoot, file)))).toEqual([]);
    expect(commands).toContain(`--name ${template.variables.mappingKeyName}`);
    expect(template.resources.slot?.name).toContain("'staging'");
  });
});

describe('the button', () => {
  it('of the README opens the portal, into which the template is loaded', () => {
    const [, button = ''] = read('README.md').split('### Deploy to Azure');
    expect(button).toContain('](https://portal.azure.com/#create/Microsoft.Template)');
    expect(button).toContain('`infra/azuredeploy.json`');
  });

  it('of a release loads the template of that release', () => {
    const { jobs } = parse(read('.github/workflows/release.yml')) as {
      jobs: { publish: { steps: { run?: string }[] } };
    };
    const script = jobs.publish.steps.flatMap(({ run = [] }) => run).join('\n');
    const notes = execFileSync(
      'bash',
      ['--norc', '-euc', `gh() { printf '%s\\n' "\${@: -1}"; }\n${script}`],
      {
        encoding: 'utf8',
        env: { PATH: process.env.PATH, REPOSITORY: 'contoso/acs-auth', TAG: 'v1.2.3' },
      },
    );
    const [, address = ''] = /#create\/Microsoft\.Template\/uri\/([\w%.-]+)\)/.exec(notes) ?? [];
    const [, packageUrl] = /Enter `(\S+)` as/.exec(notes) ?? [];
    expect(decodeURIComponent(address)).toBe(
      'https://raw.githubusercontent.com/contoso/acs-auth/v1.2.3/infra/azuredeploy.json',
    );
    expect(packageUrl).toBe('https://github.com/contoso/acs-auth/releases/download/v1.2.3/package.zip');
    expect(template.parameters).toHaveProperty('packageUrl');
  });
});
