import type { Server } from 'node:http';
import { pause, waitAtMost } from '../../resilience/deadline';
import type { PendingResponses } from './pendingResponses';

/** Resolves when the last response has been sent, or after 15 s. */
export type Drain = (readinessGraceInMs: number) => Promise<void>;

const timeLimitInMs = 15_000;
const closingTimeLimitInMs = 1_000;

/**
 * Every response now asks its client to close the connection, so that the next request goes to another instance. The server
 * continues to accept requests for `readinessGraceInMs`, in which load balancers notice that it is not ready, and until the
 * requests that were in flight at the start are complete. Then it stops listening and completes the remaining requests.
 */
export function createDrain(server: Server, inFlight: PendingResponses): Drain {
  return async (readinessGraceInMs) => {
    const end = performance.now() + timeLimitInMs;
    const initial = inFlight.all();
    for (const response of initial) response.shouldKeepAlive = false;
    server.on('request', (_request, response) => (response.shouldKeepAlive = false));
    await pause(readinessGraceInMs);
    await waitUntil(() => {
      const now = inFlight.all();
      return !initial.some((response) => now.includes(response));
    }, end);
    const closed = new Promise<void>((resolve) => server.close(() => resolve()));
    await waitUntil(() => inFlight.all().length === 0, end);
    await waitAtMost(closed, closingTimeLimitInMs);
    server.closeAllConnections();
  };
}

async function waitUntil(condition: () => boolean, end: number): Promise<void> {
  while (!condition() && performance.now() < end) await pause(50);
}
