import { errorCode } from './errorCode';

/** Runs a program's main function; prints an error as one line, with exit code 1. */
export function run(main: () => Promise<void>): void {
  const started = Promise.resolve().then(main);
  started.catch((error: unknown) => {
    process.stderr.write(`${error instanceof Error ? error.message : 'unknown failure'}\n`);
    process.exit(1);
  });
}

/** Calls back once, on the first signal to stop. */
export function onStopSignal(stop: () => void): void {
  let stopping = false;
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(signal, () => {
      if (!stopping) stop();
      stopping = true;
    });
  }
}

export function portFrom(variable: string, defaultPort: number): number {
  const text = process.env[variable] ?? '';
  if (text === '') return defaultPort;
  const port = Number(text);
  if (Number.isInteger(port) && port > 0 && port < 65_536) return port;
  throw new Error(`${variable} must be a port number, 1 to 65535, not "${text}"`);
}

export function isPortInUse(error: unknown): boolean {
  return errorCode(error) === 'EADDRINUSE';
}

export function portInUseMessage(port: number, variable: string): string {
  return `Port ${port} is in use by another process. Stop that one, or set ${variable} to a free port.`;
}
