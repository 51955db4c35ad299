import { once } from 'node:events';
import autocannon from 'autocannon';
import type { MeasuredProcess } from './childProcess';

export interface Load {
  readonly server: MeasuredProcess;
  /** The access tokens for so many requests; with fewer than that they come round again. */
  readonly tokens: (requests: number) => readonly string[];
  readonly connections: number;
  /** What every answer must be; a load that meets anything else measures nothing. */
  readonly status: number;
}

export interface LoadResult {
  readonly requestsPerSecond: number;
  readonly cpuPerRequestInMs: number;
  /** Share of one core that the server used; well below 1 means that it was waiting for others. */
  readonly busy: number;
  readonly seconds: number;
}

/** Sends so many requests to /getToken and waits for the last one, so that none is left half done and uncounted. */
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
        // How often it looks whether all is done: the time of a load is no more exact than this.
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
  /** Preparing the requests takes a while, in which nothing is sent yet. */
  function begin(): void {
    [cpuBefore, startedAt] = [server.cpuInMs(), performance.now()];
  }
  const result = await finished;
  const elapsedInMs = performance.now() - startedAt;
  const cpuInMs = server.cpuInMs() - cpuBefore;

  const answered = countAnswers(result, status);
  return {
    requestsPerSecond: (answered / elapsedInMs) * 1_000,
    cpuPerRequestInMs: cpuInMs / answered,
    busy: cpuInMs / elapsedInMs,
    seconds: elapsedInMs / 1_000,
  };
}

/** Runs it for about so long, until the just-in-time compiler has done its work; how many requests go into that time. */
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

/** The requests of each connection, as autocannon takes them. */
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

/** Throws if there was any answer but the expected one. */
function countAnswers({ statusCodeStats, errors }: autocannon.Result, status: number): number {
  const byStatus: Partial<Record<string, { count?: number }>> = statusCodeStats ?? {};
  const answered = byStatus[status]?.count ?? 0;
  const others = Object.keys(byStatus).filter((code) => code !== String(status));
  if (answered === 0 || others.length > 0 || errors > 0) {
    throw new Error(`a load that must be answered with ${status} met ${others.join(', ')}, ${errors} errors`);
  }
  return answered;
}
