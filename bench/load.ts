import { once } from 'node:events';
import autocannon from 'autocannon';
import type { MeasuredProcess } from './childProcess';

export interface Load {
  readonly server: MeasuredProcess;
  /** The access tokens for this number of requests. */
  readonly tokens: (requests: number) => readonly string[];
  readonly connections: number;
  /** The expected status. A run with any other response fails. */
  readonly status: number;
}

export interface LoadResult {
  readonly requestsPerSecond: number;
  readonly cpuPerRequestInMs: number;
  /** Share of one core that the server used. Well below 1 means that it waited for other processes. */
  readonly busy: number;
  readonly seconds: number;
}

/** Sends this number of requests to /getToken and waits for the last response, so that all are counted. */
export async function run(
  { server, tokens, connections, status }: Load,
  requests: number,
): Promise<LoadResult> {
  const shares = share(tokens(requests), connections);
  const finished = new Promise<autocannon.Result>((resolve, reject) => {
    const instance = autocannon(
      {
        url: `${server.url}/getToken`,
        connections,
        amount: requests,
        // How often autocannon checks for completion: the resolution of the measured time.
        sampleInt: 10,
        setupClient: (client) => client.setRequests(shares.pop() ?? []),
      },
      (error: unknown, result) => {
        if (error) reject(error instanceof Error ? error : new Error('the load failed'));
        else resolve(result);
      },
    );
    void once(instance, 'start').then(begin);
  });
  let [cpuBefore, startedAt] = [server.cpuInMs(), performance.now()];
  /** Called after autocannon has prepared the requests, which takes some time. */
  function begin(): void {
    [cpuBefore, startedAt] = [server.cpuInMs(), performance.now()];
  }
  const result = await finished;
  const elapsedInMs = performance.now() - startedAt;
  const cpuInMs = server.cpuInMs() - cpuBefore;

  const completed = countResponses(result, status);
  return {
    requestsPerSecond: (completed / elapsedInMs) * 1_000,
    cpuPerRequestInMs: cpuInMs / completed,
    busy: cpuInMs / elapsedInMs,
    seconds: elapsedInMs / 1_000,
  };
}

/** Runs the load for about this time, so that the JIT compiler is done; returns how many requests fit into it. */
export async function warmUp(load: Load, seconds: number): Promise<number> {
  let requests = load.connections * 4;
  for (let elapsed = 0; ;) {
    const result = await run(load, requests);
    elapsed += result.seconds;
    const inSeconds = (time: number) =>
      Math.max(load.connections, Math.round(result.requestsPerSecond * time));
    if (elapsed >= seconds) return inSeconds(seconds);
    requests = inSeconds(Math.max(seconds / 4, seconds - elapsed));
  }
}

/** The requests of each connection, in autocannon's format. */
function share(tokens: readonly string[], connections: number): autocannon.Request[][] {
  const shares = Array.from({ length: connections }, (): autocannon.Request[] => []);
  for (const [index, token] of tokens.entries()) {
    shares[index % connections]?.push({
      method: 'GET',
      path: '/getToken',
      headers: { authorization: `Bearer ${token}` },
    });
  }
  return shares;
}

/** Throws if there was any unexpected response. */
function countResponses({ statusCodeStats, errors }: autocannon.Result, status: number): number {
  const byStatus: Partial<Record<string, { count?: number }>> = statusCodeStats ?? {};
  const expected = byStatus[status]?.count ?? 0;
  const unexpected = Object.keys(byStatus).filter((code) => code !== String(status));
  if (expected === 0 || unexpected.length > 0 || errors > 0) {
    throw new Error(
      `expected only responses ${status}, got ${unexpected.join(', ') || 'no others'} and ${errors} errors`,
    );
  }
  return expected;
}
