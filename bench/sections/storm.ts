import { setTimeout as sleep } from 'node:timers/promises';
import { call } from '../call';
import type { MeasuredProcess } from '../childProcess';
import type { Sizes } from '../options';
import { digits, type Section } from '../table';
import { type AccessToken, getToken, type Workbench } from '../workbench';

const warmUps = 100;
const mostTries = 200;

/** Many users sign in at once while ACS limits us; each client comes back when told to. */
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
  const turnedAway = await Promise.all(
    users.map(async (user) => {
      await sleep(Math.random() * arrivalsWithinInMs);
      return signIn(server, user);
    }),
  );
  const seconds = (performance.now() - startedAt) / 1_000;
  const peakRssInMb = memory.stop();
  // Whatever the server still has to tidy up behind its answers.
  await sleep(2_000);
  const identities = emulator.identities().map(({ id }) => id);
  const mapped = new Set(emulator.mappings().map(({ extension }) => extension.acsUserIdentity));
  const creates = emulator.callsTo('acs.identity.create') - before.creates;
  const created = identities.length - warmUps + emulator.callsTo('acs.identity.delete');
  const rssInMb = server.rssInMb();
  await server.stop();

  const leastSeconds = Math.floor((storm.users - 1) / storm.limit) * storm.perSeconds;
  return {
    title: `Login storm: ${storm.users} new users, ACS limited to ${storm.limit} per ${storm.perSeconds} s`,
    result: 'as counted',
    against: 'what it should be',
    rows: [
      { name: 'users served', result: String(turnedAway.length), against: String(storm.users) },
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
        name: 'seconds until the last was served',
        result: digits(seconds),
        against: `about ${leastSeconds} at that limit`,
      },
      {
        name: 'answers 503 with Retry-After, per user',
        result: digits(turnedAway.reduce((sum, times) => sum + times, 0) / storm.users),
        against: '',
      },
      {
        name: 'calls that ACS turned away, of all creations',
        result: `${creates - created} of ${creates}`,
        against: 'few: a limited service is left alone',
      },
      {
        name: 'RSS MB before / at its highest / after',
        result: [before.rssInMb, peakRssInMb, rssInMb].map(digits).join(' / '),
        against: 'flat',
      },
    ],
  };
}

/** Comes back as told until served; how often it was turned away. */
async function signIn(server: MeasuredProcess, { text }: AccessToken): Promise<number> {
  for (let turnedAway = 0; turnedAway < mostTries; turnedAway += 1) {
    const { status, retryAfterInSeconds, body } = await call(server.url, { path: '/getToken', token: text });
    if (status === 200) return turnedAway;
    if (status !== 503 || retryAfterInSeconds === undefined) {
      throw new Error(`a client in the storm was answered ${status}: ${body}`);
    }
    await sleep((retryAfterInSeconds + Math.random()) * 1_000);
  }
  throw new Error(`a client in the storm was turned away ${mostTries} times`);
}

function watchMemory(server: MeasuredProcess): { stop: () => number } {
  let peakInMb = 0;
  const look = () => void (peakInMb = Math.max(peakInMb, server.rssInMb()));
  const timer = setInterval(look, 200);
  return {
    stop() {
      clearInterval(timer);
      look();
      return peakInMb;
    },
  };
}
