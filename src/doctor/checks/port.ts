import { once } from 'node:events';
import { createServer } from 'node:net';
import { isError } from '../../errors';
import type { HttpClient } from '../../resilience/httpClient';
import { type Check, ok, problem } from '../check';

export function createPortCheck(port: number, http: HttpClient): Check {
  return {
    name: 'port',
    group: 'This machine',
    settings: ['PORT'],
    async run() {
      const code = await tryToListen(port);
      if (code === undefined) return ok(port === 0 ? 'any free port' : `${port} is free`);
      if (code === 'EADDRINUSE') {
        return (await isOurServer(port, http))
          ? ok(`${port} is in use by a running instance of this server`)
          : problem(
              `${port} is in use by another program`,
              'Stop it, or set PORT to another port (and update redirect URIs that contain it).',
            );
      }
      return problem(`this user may not listen on ${port} (${code})`, 'Set PORT to one above 1023.');
    },
  };
}

/** Undefined if it worked. */
async function tryToListen(port: number): Promise<string | undefined> {
  const server = createServer();
  try {
    server.listen(port);
    await once(server, 'listening');
    return undefined;
  } catch (error) {
    return isError(error) && 'code' in error ? String(error.code) : 'unknown';
  } finally {
    server.close();
  }
}

async function isOurServer(port: number, http: HttpClient): Promise<boolean> {
  try {
    const signal = AbortSignal.timeout(2_000);
    const reply = await http.send(`http://localhost:${port}/health/live`, { method: 'GET', signal });
    return reply.status === 200 && reply.text === '{"status":"live"}';
  } catch {
    return false;
  }
}
