import { killUnderLoad } from './kills';
import { parseSoakOptions, type SoakOptions, usage } from './options';
import { problemsOf, soak } from './soak';

/** `npm run soak`: exit code 1 if an invariant was violated. */
async function main(args: string[]): Promise<void> {
  const options = parse(args);
  const { store, seconds, seed, kills } = options;
  print(
    `--store ${store} --seed ${seed} ${kills === undefined ? `--seconds ${seconds}` : `--kills ${kills}`}`,
  );
  const problems = kills === undefined ? await runSoak(options) : await runKills(options, kills);
  print(...(problems.length === 0 ? ['no invariant was violated'] : problems));
  process.exitCode = problems.length === 0 ? 0 : 1;
}

async function runSoak({ store, seconds, seed }: SoakOptions): Promise<string[]> {
  const size = { users: 80, callers: 32, milliseconds: seconds * 1_000, pauseBetweenFaultsInMs: 40 };
  const result = await soak(store, seed, size);
  const { requests, statuses, faults, calls, violations, unserved, dangling, orphans, allowedOrphans } =
    result;
  print(
    `${requests} requests (${show(statuses)}; 0: the caller left), ${calls} upstream calls, ${faults} faults`,
    `${violations.length} violations, ${unserved.length} users not served, ${dangling.length} dangling entries`,
    `${orphans.length} orphans, at most ${allowedOrphans} of lost responses`,
  );
  return problemsOf(result);
}

async function runKills({ store, seed }: SoakOptions, kills: number): Promise<string[]> {
  const result = await killUnderLoad(store, seed, kills, (progress) => process.stderr.write(`${progress}\n`));
  const { requests, statuses, users, unserved, violations, dangling, orphans } = result;
  print(
    `${kills} kills, ${users} users, ${requests} requests (${show(statuses)}; 0: no response)`,
    `${result.interruptedDeletions} deletions interrupted at the end, ${result.danglingBefore} dangling entries before the users came back`,
    `${violations.length} violations, ${unserved.length} users not served, ${dangling.length} dangling entries, ${orphans.length} orphans`,
  );
  return problemsOf(result);
}

function parse(args: string[]): SoakOptions {
  try {
    return parseSoakOptions(args);
  } catch (error) {
    throw new Error(`${error instanceof Error ? error.message : String(error)}\nUsage: ${usage}`);
  }
}

const show = (statuses: Readonly<Record<string, number>>) =>
  Object.entries(statuses)
    .map(([status, count]) => `${status}: ${count}`)
    .join(', ');

function print(...lines: string[]): void {
  process.stdout.write(`${lines.join('\n')}\n`);
}

main(process.argv.slice(2)).catch((error: unknown) => {
  process.stderr.write(`soak: ${error instanceof Error ? error.message : String(error)}\n`);
  // Also ends the processes that were started.
  process.exit(2);
});
