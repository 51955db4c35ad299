import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { build } from 'esbuild';
import type { AddOutcome, AddTask } from './adder';

const root = join(__dirname, '../..');

/** Runs each task in a separate process, all at the same time. */
export async function addInProcesses(tasks: AddTask[]): Promise<AddOutcome[]> {
  const program = join(root, 'build/test/adder.js');
  await build({
    entryPoints: [join(__dirname, 'adder.ts')],
    outfile: program,
    bundle: true,
    platform: 'node',
    packages: 'external',
  });
  const children = tasks.map(() => fork(program));
  try {
    await Promise.all(children.map((child, index) => firstReply(child, tasks[index])));
    return (await Promise.all(children.map((child) => firstReply(child, 'begin')))).flat() as AddOutcome[];
  } finally {
    for (const child of children) child.kill('SIGKILL');
  }
}

async function firstReply(child: ChildProcess, message: AddTask | 'begin' | undefined): Promise<unknown> {
  const reply = once(child, 'message');
  const died = once(child, 'exit').then(([code]) => {
    throw new Error(`the process ended with ${String(code)}`);
  });
  died.catch(() => undefined);
  child.send(message ?? 'begin');
  const [response] = (await Promise.race([reply, died])) as [unknown];
  return response;
}
