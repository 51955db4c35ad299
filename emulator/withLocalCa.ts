import { spawn } from 'node:child_process';
import { delimiter, join } from 'node:path';
import { ensureCertificates } from './certificates/loopbackCertificates';
import { projectRoot } from './projectRoot';

/**
 * Runs a command that trusts the emulator's certificate. Node reads NODE_EXTRA_CA_CERTS only when a process starts, so
 * a program cannot set it for itself.
 */
async function main([command, ...args]: string[]): Promise<void> {
  if (command === undefined) throw new Error('usage: withLocalCa <command> [arguments]');
  const { authorityFile } = await ensureCertificates();
  const child = spawn(command, args, {
    stdio: 'inherit',
    // There the commands of packages are scripts, which need a shell.
    shell: process.platform === 'win32',
    env: { ...process.env, ...pathWithPackages(), NODE_EXTRA_CA_CERTS: authorityFile },
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
function pathWithPackages(): Record<string, string> {
  const name = Object.keys(process.env).find((key) => key.toUpperCase() === 'PATH') ?? 'PATH';
  const packages = join(projectRoot, 'node_modules', '.bin');
  return { [name]: [packages, process.env[name] ?? ''].join(delimiter) };
}

function fail(message: string): void {
  process.stderr.write(`withLocalCa: ${message}\n`);
  process.exitCode = 1;
}

main(process.argv.slice(2)).catch((error: unknown) =>
  fail(error instanceof Error ? error.message : 'unknown'),
);
