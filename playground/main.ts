import { join } from 'node:path';
import { config as loadDotenv } from 'dotenv';
import { startPlayground } from './serve';
import { readSettings } from './settings';

/** `npm run playground`: serves the page only; the API must already be running. */
async function main(): Promise<void> {
  loadDotenv({ quiet: true });
  const settings = readSettings(process.env);
  const port = portFrom(process.env.PLAYGROUND_PORT);
  const playground = await startPlayground({ port, settings, folder: join(__dirname, 'page') }).catch(
    (error: unknown) => {
      throw isPortInUse(error)
        ? new Error(`Port ${port} is in use. Stop the program that uses it, or set PLAYGROUND_PORT.`)
        : error;
    },
  );
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void playground.stop());
  process.stdout.write(
    `Playground ${playground.url}\nAPI        ${settings.apiUrl} (its CORS_ALLOWED_ORIGINS must include ${playground.url})\n`,
  );
}

function portFrom(text = ''): number {
  const port = text === '' ? 5173 : Number(text);
  if (Number.isInteger(port) && port > 0 && port < 65_536) return port;
  throw new Error(`PLAYGROUND_PORT must be a port number from 1 to 65535, not "${text}".`);
}

function isPortInUse(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'EADDRINUSE';
}

main().catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? error.message : 'unknown error'}\n`);
  process.exit(1);
});
