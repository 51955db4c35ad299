import { setTimeout as sleep } from 'node:timers/promises';
import { call } from '../call';
import type { MeasuredProcess } from '../childProcess';
import type { Sizes } from '../options';
import { digits, type Section } from '../table';
import { type AccessToken, getToken, type Workbench } from '../workbench';

const warmUps = 100;
const maxAttempts = 200;

/** Many users sign in at the same time while ACS throttles; each client retries after Retry-After. */
export async function measureStorm(
  bench: Workbench,
  { storm }: Sizes,
  report: (progress: string) => void,
): Promise<Section> {
  bench.reset();
  const { emulator } = bench;
  const server = await bench.startServer();
  for (const { text } of bench.newUsers(warmUps)) await getToken(server, text);
  report(`signing ${storm.users} access tokens`);
  const users = bench.newUsers(storm.users);
  const limit = { count: storm.limit, perSeconds: storm.perSeconds, retryAfter: true };
  Object.assign(emulator.switches, { createLimit: limit, issueLimit: limit });

  const before = { creates: emulator.callsTo('acs.identity.create'), rssInMb: server.rssInMb() };
  const memory = watchMemory(server);
  const startedAt = performance.now();
  const arrivalsWithinInMs = (storm.perSeconds * 1_000) / 3;
  const rejections = await Promise.all(
    users.map(async (user) => {
      await sleep(Math.random() * arrivalsWithinInMs);
      return signIn(server, user);
    }),
  );
  const seconds = (performance.now() - startedAt) / 1_000;
  const peakRssInMb = memory.stop();
  // Time for the server to clean up after its last responses.
  await sleep(2_000);
  const identities = emulator.identities().map(({ id }) => id);
  const mapped = new Set(emulator.mappings().map(({ extension }) => extension.acsUserIdentity));
  const creates = emulator.callsTo('acs.identity.create') - before.creates;
  const created = identities.length - warmUps + emulator.callsTo('acs.identity.delete');
  const rssInMb = server.rssInMb();
  await server.stop();

  const minSeconds = Math.floor((storm.users - 1) / storm.limit) * storm.perSeconds;
  return {
    title: `Login storm: ${storm.users} new users, ACS limited to ${storm.limit} per ${storm.perSeconds} s`,
    result: 'count',
    against: 'expected',
    rows: [
      { name: 'users served', result: String(rejections.length), against: String(storm.users) },
      {
        name: 'identities without a mapping',
        result: String(identities.filter((id) => !mapped.has(id)).length),
        against: '0',
      },
      {
        name: 'identities per user',
        result: digits((identities.length - warmUps) / storm.users),
        against: '1',
      },
      {
        name: 'seconds until the last user was served',
        result: digits(seconds),
        against: `about ${minSeconds} at this limit`,
      },
      {
        name: '503 responses with Retry-After, per user',
        result: digits(rejections.reduce((sum, count) => sum + count, 0) / storm.users),
        against: '',
      },
      {
        name: 'creations throttled by ACS, of all',
        result: `${creates - created} of ${creates}`,
        against: 'few: calls pause while ACS throttles',
      },
      {
        name: 'RSS MB before / peak / after',
        result: [before.rssInMb, peakRssInMb, rssInMb].map(digits).join(' / '),
        against: 'flat',
      },
    ],
  };
}

/** Retries after Retry-After until served; returns the number of rejections. */
async function signIn(server: MeasuredProcess, { text }: AccessToken): Promise<number> {
  for (let rejected = 0; rejected < maxAttempts; rejected += 1) {
    const { status, retryAfterInSeconds, body } = await call(server.url, { path: '/getToken', token: text });
    if (status === 200) return rejected;
    if (status !== 503 || retryAfterInSeconds === undefined) {
      throw new Error(`a client got ${status}: ${body}`);
    }
    await sleep((retryAfterInSeconds + Math.random()) * 1_000);
  }
  throw new Error(`a client was rejected ${maxAttempts} times`);
}

function watchMemory(server: MeasuredProcess): { stop: () => number } {
  let peakInMb = 0;
  const sample = () => void (peakInMb = Math.max(peakInMb, server.rssInMb()));
  const timer = setInterval(sample, 200);
  return {
    stop() {
      clearInterval(timer);
      sample();
      return peakInMb;
    },
  };
}
