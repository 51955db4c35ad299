import { cpus } from 'node:os';
import { type Cores, reserveServerCore } from './cores';
import { type Options, parseOptions, type SectionName, type Sizes, usage } from './options';
import { measureCalls } from './sections/calls';
import { measureGrowth } from './sections/growth';
import { measureLatency } from './sections/latency';
import { measureReuse } from './sections/reuse';
import { measureStartup } from './sections/startup';
import { measureStores } from './sections/stores';
import { measurePressure } from './sections/pressure';
import { measureStorm } from './sections/storm';
import { measureThroughput } from './sections/throughput';
import { formatTable, type Section } from './table';
import { openWorkbench, type Workbench } from './workbench';

type Measure = (bench: Workbench, sizes: Sizes, report: (progress: string) => void) => Promise<Section>;

const measures: Record<SectionName, Measure> = {
  calls: measureCalls,
  startup: measureStartup,
  latency: measureLatency,
  throughput: measureThroughput,
  growth: measureGrowth,
  storm: measureStorm,
  stores: measureStores,
  reuse: measureReuse,
  pressure: measurePressure,
};

/** Measures the built server and prints the results as one table. */
async function main(args: string[]): Promise<void> {
  if (process.platform !== 'linux') throw new Error('the benchmark needs /proc, so it runs on Linux only');
  const options = parse(args);
  const cores = reserveServerCore();
  const startedAt = new Date();
  const bench = await openWorkbench(cores);
  const sections: Section[] = [];
  try {
    for (const name of options.only) {
      const report = (progress: string) => void process.stderr.write(`${name}: ${progress}\n`);
      report('measuring');
      sections.push(await measures[name](bench, options.sizes, report));
    }
  } finally {
    await bench.close();
  }
  process.stdout.write(`\n${conditions(options, cores, startedAt)}\n\n${formatTable(sections)}\n`);
}

function parse(args: string[]): Options {
  try {
    return parseOptions(args);
  } catch (error) {
    throw new Error(`${messageOf(error)}\nUsage: ${usage}`);
  }
}

function conditions({ quick }: Options, cores: Cores | undefined, startedAt: Date): string {
  const pinning = cores
    ? `server and floor alone on core ${cores.server}, load generator and emulator on ${cores.rest}`
    : 'not pinned to cores';
  const [cpu] = cpus();
  return [
    `${quick ? 'Quick' : 'Full'} run of ${startedAt.toISOString().slice(0, 16)}Z, Node ${process.version}, ${cpu?.model.trim() ?? ''};`,
    `${pinning}; NODE_ENV=production, LOG_LEVEL=info to a file, rate limits off.`,
  ].join('\n');
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

main(process.argv.slice(2)).catch((error: unknown) => {
  process.stderr.write(`bench: ${messageOf(error)}\n`);
  process.exitCode = 1;
});
