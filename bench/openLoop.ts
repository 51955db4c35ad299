import { setTimeout as sleep } from 'node:timers/promises';
import { Agent, request } from 'undici';
import type { MeasuredProcess } from './childProcess';

export interface OpenLoad {
  readonly server: MeasuredProcess;
  readonly tokens: readonly string[];
  /** Requests begin at this rate, even if earlier ones have no response yet. */
  readonly perSecond: number;
  readonly seconds: number;
}

export interface OpenLoadResult {
  readonly sent: number;
  /** By status; `none` for those without a response in time. */
  readonly statuses: Readonly<Record<string, number>>;
  /** Latencies of the served requests, in milliseconds, sorted. */
  readonly latencies: readonly number[];
  readonly peakRssInMb: number;
}

/** As long as a caller of the server waits. */
const timeLimitInMs = 10_000;
const tickInMs = 5;

/** Sends requests independently of each other, and does not slow down when they are rejected. */
export async function sendOpenLoad({
  server,
  tokens,
  perSecond,
  seconds,
}: OpenLoad): Promise<OpenLoadResult> {
  const agent = new Agent({ connections: 4_000, headersTimeout: timeLimitInMs, bodyTimeout: timeLimitInMs });
  const statuses: Record<string, number> = {};
  const latencies: number[] = [];
  const pending: Promise<void>[] = [];
  let peakRssInMb = 0;

  async function send(token: string): Promise<void> {
    const startedAt = performance.now();
    let status = 'none';
    try {
      const reply = await request(`${server.url}/getToken`, {
        dispatcher: agent,
        headers: { authorization: `Bearer ${token}` },
        signal: AbortSignal.timeout(timeLimitInMs),
      });
      await reply.body.dump();
      status = String(reply.statusCode);
    } catch {
      // Counted as without a response.
    }
    statuses[status] = (statuses[status] ?? 0) + 1;
    if (status === '200') latencies.push(performance.now() - startedAt);
  }

  const startedAt = performance.now();
  for (let elapsedInMs = 0; elapsedInMs < seconds * 1_000; elapsedInMs = performance.now() - startedAt) {
    const due = Math.round((elapsedInMs / 1_000) * perSecond);
    while (pending.length < due) pending.push(send(tokens[pending.length % tokens.length] ?? ''));
    peakRssInMb = Math.max(peakRssInMb, server.rssInMb());
    await sleep(tickInMs);
  }
  await Promise.all(pending);
  await agent.destroy();
  return { sent: pending.length, statuses, latencies: latencies.sort((a, b) => a - b), peakRssInMb };
}
