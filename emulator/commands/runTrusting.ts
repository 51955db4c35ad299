import { spawn } from 'node:child_process';
import { delimiter } from 'node:path';
import { ensureCertificates } from '../certificates/loopbackCertificates';

export interface Folders {
  readonly certificateFolder: string;
  /** Where the commands of packages are. */
  readonly packages: string;
}

/**
 * Runs a command that trusts the emulator's certificate. Node reads NODE_EXTRA_CA_CERTS only when a process starts, so
 * a program cannot set it for itself.
 */
export async function runTrusting(
  name: string,
  [command, ...args]: string[],
  { certificateFolder, packages }: Folders,
): Promise<void> {
  const fail = (message: string): void => {
    process.stderr.write(`${name}: ${message}\n`);
    process.exitCode = 1;
  };
  if (command === undefined) {
    fail(`usage: ${name} <command> [arguments]`);
    return;
  }
  const { authorityFile } = await ensureCertificates(certificateFolder);
  const child = spawn(command, args, {
    stdio: 'inherit',
    // On Windows the commands of packages are scripts, which need a shell.
    shell: process.platform === 'win32',
    env: { ...process.env, ...pathWith(packages), NODE_EXTRA_CA_CERTS: authorityFile },
  });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(signal, () => void child.kill(signal));
  }
  child.on('error', (error) => fail(`cannot run ${command}: ${error.message}`));
  child.on('exit', (code, signal) => {
    process.exitCode = code ?? 1;
    if (!signal) return;
    process.removeAllListeners(signal);
    process.kill(process.pid, signal);
  });
}

/** Windows calls it Path; a second variable with another spelling would override it. */
function pathWith(packages: string): Record<string, string> {
  const name = Object.keys(process.env).find((key) => key.toUpperCase() === 'PATH') ?? 'PATH';
  return { [name]: [packages, process.env[name] ?? ''].join(delimiter) };
}
