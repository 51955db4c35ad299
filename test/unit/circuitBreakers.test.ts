import { BrokenCircuitError } from 'cockatiel';
import pino from 'pino';
import { CallerDisconnectedError } from '../../src/errors';
import { type CancellableDeadline, startDeadline, withSignal } from '../../src/resilience/deadline';
import { createUpstream, type Upstream } from '../../src/resilience/upstream';
import { type FailureDetails, UpstreamError } from '../../src/resilience/upstreamError';
import { fakeDate, fakeMonotonicClock } from '../support/clock';
import { fastTimings } from '../support/fastTimings';

const name = 'Microsoft Graph';
const operation = 'read user and extensions';
let clocks: { advance: (milliseconds: number) => void };
let upstream: Upstream;
beforeEach(() => {
  const [date, monotonic] = [fakeDate(), fakeMonotonicClock()];
  clocks = {
    advance(milliseconds) {
      date.advance(milliseconds);
      monotonic.advance(milliseconds);
    },
  };
  upstream = createUpstream({ name, timings: fastTimings.upstream, log: pino({ level: 'silent' }) });
});
afterEach(() => {
  jest.useRealTimers();
  jest.restoreAllMocks();
});

async function call<T>(
  attempt: (signal: AbortSignal) => Promise<T>,
  deadline = startDeadline(60_000),
  caller?: string,
) {
  const options = { deadline, caller, retryOn: 'never', describe: () => ({}) } as const;
  return upstream.call(operation, options, attempt).finally(() => deadline.stop());
}

async function fail(details: FailureDetails, ...from: [deadline?: CancellableDeadline, caller?: string]) {
  const failed = call(() => Promise.reject(new UpstreamError(name, operation, details)), ...from);
  await expect(failed).rejects.toThrow(UpstreamError);
}

/** Makes as many failing calls as open a breaker. */
async function openBreaker(details: FailureDetails): Promise<void> {
  for (let count = 0; count < 25; count += 1) await fail(details);
}

/** Whether a call is rejected without an attempt. */
async function isOpen(): Promise<boolean> {
  try {
    await call(() => Promise.resolve());
    return false;
  } catch (error) {
    expect(error).toMatchObject({ cause: expect.any(BrokenCircuitError) });
    return true;
  }
}

const causes: [string, FailureDetails][] = [
  ['an outage', { status: 503 }],
  ['throttling', { status: 429 }],
];

it.each(causes)('during %s, calls do not wait for the outcome of a probe', async (_name, details) => {
  await openBreaker(details);
  expect(await isOpen()).toBe(true);
  clocks.advance(1_000);
  let reply: (text: string) => void = () => undefined;
  const probe = call(() => new Promise<string>((resolve) => (reply = resolve)));
  const waits = new Promise((resolve) => setImmediate(resolve, 'waits'));
  expect(await Promise.race([isOpen(), waits])).toBe(true);
  reply('reply');
  expect(await probe).toBe('reply');
  expect(await isOpen()).toBe(false);
});

it.each(causes)(
  'after %s, the breaker closes in time although the clock was set back',
  async (_name, facts) => {
    await openBreaker(facts);
    jest.setSystemTime(Date.now() - 3_600_000);
    expect(await isOpen()).toBe(true);
    clocks.advance(1_000);
    expect(await isOpen()).toBe(false);
  },
);

describe('failures', () => {
  const outage = { status: 500 };

  /** In each of five seconds, as many calls of each caller. */
  async function failForAWindow(callers: string[], callsASecond: number): Promise<void> {
    for (let second = 0; second < 5; second += 1) {
      for (const caller of callers) {
        for (let count = 0; count < callsASecond; count += 1) await fail(outage, undefined, caller);
      }
      if (second < 4) clocks.advance(1_000);
    }
  }

  it('of few callers do not open the breaker, however many there are', async () => {
    await failForAWindow(['a', 'b', 'c', 'd'], 20);
    expect(await isOpen()).toBe(false);
  });

  it('of more callers open it', async () => {
    await failForAWindow(['a', 'b', 'c', 'd', 'e'], 1);
    expect(await isOpen()).toBe(true);
  });

  it('of one request, whose caller is not known, do not open it', async () => {
    const deadline = startDeadline(60_000);
    for (let count = 0; count < 50; count += 1) await fail(outage, deadline);
    expect(await isOpen()).toBe(false);
  });

  it('of a caller that failed in the same second keep it open', async () => {
    await openBreaker({ status: 503, retryAfterInSeconds: 0 });
    await fail({ ...outage, retryAfterInSeconds: 0 }, undefined, 'a');
    await fail(outage, undefined, 'a');
    expect(await isOpen()).toBe(true);
  });
});

describe('callers that go before the upstream has responded', () => {
  async function leave(count: number, afterInMs: number): Promise<void> {
    const deadlines = Array.from({ length: count }, () => startDeadline(60_000));
    const calls = deadlines.map((deadline) =>
      call((signal) => withSignal(new Promise<never>(() => undefined), signal), deadline),
    );
    const outcomes = Promise.allSettled(calls);
    await new Promise((resolve) => setImmediate(resolve));
    clocks.advance(afterInMs);
    for (const deadline of deadlines) deadline.cancel(new CallerDisconnectedError());
    for (const outcome of await outcomes) {
      expect(outcome).toEqual({ status: 'rejected', reason: expect.any(CallerDisconnectedError) });
    }
  }

  it.each([
    { afterInMs: 999, expected: false },
    { afterInMs: 1_000, expected: true },
  ])('after $afterInMs ms open the breaker: $expected', async ({ afterInMs, expected }) => {
    await leave(25, afterInMs);
    expect(await isOpen()).toBe(expected);
  });

  it.each(causes)('during %s do not close the breaker as a probe', async (_name, details) => {
    await openBreaker(details);
    for (const afterInMs of [0, 2_000]) {
      clocks.advance(1_000);
      await leave(1, afterInMs);
      expect(await isOpen()).toBe(true);
    }
    clocks.advance(1_000);
    expect(await isOpen()).toBe(false);
  });
});
