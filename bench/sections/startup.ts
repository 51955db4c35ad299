import { execFileSync } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { projectRoot } from '../../emulator/projectRoot';
import { call } from '../call';
import type { Sizes } from '../options';
import { median } from '../statistics';
import { digits, type Row, type Section } from '../table';
import type { Workbench } from '../workbench';

const idleTimeInMs = 3_000;

/** Modules that the server loads at start, outermost first; each is measured alone in a bare process. */
const modules = [
  'express',
  'passport-azure-ad/lib/bearerstrategy',
  '@azure/communication-identity',
  '@microsoft/microsoft-graph-client',
  'undici/lib/dispatcher/agent',
  'zod',
  'pino',
  'express-rate-limit',
  'cockatiel',
];

interface Sample {
  readonly milliseconds: number;
  readonly rssInMb: number;
}

/** Time from the start of the process to its first 200 of /health/live, idle memory, and what each package adds to both. */
export async function measureStartup(bench: Workbench, { rounds }: Sizes): Promise<Section> {
  const server: Sample[] = [];
  const bare: Sample[] = [];
  for (let round = 0; round < rounds; round += 1) {
    server.push(await startServer(bench));
    bare.push(load('node:http'));
  }
  const [ours, floor] = [medianOf(server), medianOf(bare)];
  return {
    title: 'Start and idle memory',
    result: 'ms to the first /health/live, or to load the package · RSS MB',
    against: 'target, or what a bare process needs',
    rows: [
      { name: 'server', result: show(ours), against: 'at most 450 ms · 85 MB' },
      { name: 'bare Node.js', result: show(floor), against: '' },
      ...modules.map((name): Row => {
        const samples = Array.from({ length: rounds }, () => load(name));
        const { milliseconds, rssInMb } = medianOf(samples);
        return {
          name: `  ${name}`,
          result: show({ milliseconds, rssInMb }),
          against: `+${digits(rssInMb - floor.rssInMb)} MB`,
        };
      }),
    ],
  };
}

async function startServer(bench: Workbench): Promise<Sample> {
  const startedAt = performance.now();
  const server = await bench.startServer();
  while ((await call(server.url, { path: '/health/live' })).status !== 200) await sleep(1);
  const milliseconds = performance.now() - startedAt;
  await sleep(idleTimeInMs);
  const rssInMb = server.rssInMb();
  await server.stop();
  return { milliseconds, rssInMb };
}

/** Loads a module in a process of its own. */
function load(name: string): Sample {
  const script = `
    const startedAt = performance.now();
    require(${JSON.stringify(name)});
    const milliseconds = performance.now() - startedAt;
    const rssInMb = process.memoryUsage.rss() / 2 ** 20;
    process.stdout.write(JSON.stringify({ milliseconds, rssInMb }));`;
  const output = execFileSync(process.execPath, ['-e', script], { cwd: projectRoot(), encoding: 'utf8' });
  return JSON.parse(output) as Sample;
}

const medianOf = (samples: readonly Sample[]): Sample => ({
  milliseconds: median(samples.map(({ milliseconds }) => milliseconds)),
  rssInMb: median(samples.map(({ rssInMb }) => rssInMb)),
});

const show = ({ milliseconds, rssInMb }: Sample) => `${digits(milliseconds)} · ${digits(rssInMb)}`;
