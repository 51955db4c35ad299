import { parseArgs } from 'node:util';
import { replayedChoices, seededChoices } from './choices';
import { type StoreKind, storeKinds } from './instance';
import { shrink } from './shrink';
import { type Run, simulate, type SimulationOptions } from './simulate';

const usage = `usage: npm run simulate -- --store ${storeKinds.join('|')} [--runs N] [--seed S] [--instances 2|3]`;

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      store: { type: 'string', default: 'graph' },
      runs: { type: 'string', default: '10000' },
      seed: { type: 'string', default: '1' },
      instances: { type: 'string' },
    },
  });
  const [runs, firstSeed] = [Number(values.runs), Number(values.seed)];
  if (!isStoreKind(values.store) || !Number.isInteger(runs) || !Number.isInteger(firstSeed))
    throw new Error(usage);
  const fixedInstances = values.instances === undefined ? undefined : Number(values.instances);

  const schedules = new Set<number>();
  const broken = new Map<string, { count: number; seed: number; run: Run; options: SimulationOptions }>();
  let runsWithOrphans = 0;
  const startedAt = performance.now();
  for (let seed = firstSeed; seed < firstSeed + runs; seed += 1) {
    const options = { store: values.store, instances: fixedInstances ?? 2 + (seed % 2) };
    const run = await simulate(options, seededChoices(seed));
    schedules.add(hash(run.trace));
    if (run.orphans > 0) runsWithOrphans += 1;
    if (!run.violation) continue;
    const { invariant } = run.violation;
    const known = broken.get(invariant);
    if (!known) broken.set(invariant, { count: 1, seed, run, options });
    else known.count += 1;
  }
  const seconds = (performance.now() - startedAt) / 1_000;

  const violations = [...broken.values()].reduce((sum, { count }) => sum + count, 0);
  print(
    `${runs} runs in ${seconds.toFixed(1)} s, ${schedules.size} distinct schedules, ${violations} violations`,
    `${runsWithOrphans} runs end with an identity that its creator could not learn of, or crashed with`,
  );
  for (const [invariant, { count, seed, run, options }] of broken) {
    const minimal = await shrink(run.choices, async (candidate) => {
      const again = await simulate(options, replayedChoices(candidate));
      return again.violation?.invariant === invariant;
    });
    const { trace, violation } = await simulate(options, replayedChoices(minimal));
    print('', `${count} times: ${invariant} (first with --seed ${seed} --instances ${options.instances})`);
    print(
      violation?.details ?? '',
      ...trace.map((line, index) => `${String(index + 1).padStart(4)}  ${line}`),
    );
  }
  process.exitCode = violations > 0 ? 1 : 0;
}

function isStoreKind(text: string): text is StoreKind {
  return storeKinds.some((kind) => kind === text);
}

/** 53 bits: enough to count a million schedules. */
function hash(lines: readonly string[]): number {
  let [low, high] = [0x811c9dc5, 0x1b873593];
  for (const line of lines) {
    for (let index = 0; index < line.length; index += 1) {
      low = Math.imul(low ^ line.charCodeAt(index), 0x01000193);
      high = Math.imul(high ^ line.charCodeAt(index), 0x85ebca6b) + 1;
    }
  }
  return (high >>> 11) * 2 ** 32 + (low >>> 0);
}

function print(...lines: string[]): void {
  process.stdout.write(`${lines.join('\n')}\n`);
}

main().catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 2;
});
