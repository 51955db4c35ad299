import type { Server } from 'node:http';
import { pause, waitAtMost } from '../../resilience/deadline';
import type { PendingResponses } from './pendingResponses';

/** Resolves when the last answer has been given, or after 15 s. */
export type Drain = (readinessGraceInMs: number) => Promise<void>;

const timeLimitInMs = 15_000;
const closingTimeLimitInMs = 1_000;

/**
 * From the first moment every answer asks its client to close the connection, so that the next request goes elsewhere. The
 * server goes on to listen for `noticeTimeInMs`, in which a load balancer can see that it is not ready any more, and until all
 * that was in flight at first is answered; then it finishes what has come meanwhile.
 */
export function createDrain(server: Server, inFlight: PendingResponses): Drain {
  return async (readinessGraceInMs) => {
    const end = Date.now() + timeLimitInMs;
    const before = inFlight.all();
    for (const response of before) response.shouldKeepAlive = false;
    server.on('request', (_request, response) => (response.shouldKeepAlive = false));
    await pause(readinessGraceInMs);
    await waitUntil(() => {
      const now = inFlight.all();
      return !before.some((response) => now.includes(response));
    }, end);
    const closed = new Promise<void>((resolve) => server.close(() => resolve()));
    await waitUntil(() => inFlight.all().length === 0, end);
    await waitAtMost(closed, closingTimeLimitInMs);
    server.closeAllConnections();
  };
}

async function waitUntil(condition: () => boolean, end: number): Promise<void> {
  while (!condition() && Date.now() < end) await pause(50);
}
