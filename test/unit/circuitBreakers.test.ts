import { BrokenCircuitError } from 'cockatiel';
import pino from 'pino';
import { type CircuitBreakers, createCircuitBreakers } from '../../src/resilience/circuitBreakers';
import { type FailureFacts, UpstreamError } from '../../src/resilience/upstreamError';
import { fakeDate, fakeMonotonicClock } from '../support/clock';

const operation = 'read';
let clocks: { advance: (milliseconds: number) => void };
let breakers: CircuitBreakers;
beforeEach(() => {
  const [date, monotonic] = [fakeDate(), fakeMonotonicClock()];
  clocks = {
    advance(milliseconds) {
      date.advance(milliseconds);
      monotonic.advance(milliseconds);
    },
  };
  breakers = createCircuitBreakers({ name: 'Microsoft Graph', log: pino({ level: 'silent' }) });
});
afterEach(() => {
  jest.useRealTimers();
  jest.restoreAllMocks();
});

const failWith = (facts: FailureFacts) =>
  breakers.execute(operation, () => Promise.reject(new UpstreamError('Microsoft Graph', operation, facts)));

/** Makes as many calls as open a breaker. */
async function open(facts: FailureFacts): Promise<void> {
  for (let call = 0; call < 25; call += 1) await expect(failWith(facts)).rejects.toThrow(UpstreamError);
}

/** Whether a call is made, rather than rejected because a breaker is open. */
async function isOpen(): Promise<boolean> {
  try {
    return (await breakers.execute(operation, () => Promise.resolve('called'))) !== 'called';
  } catch (error) {
    expect(error).toMatchObject({ cause: expect.any(BrokenCircuitError) });
    return true;
  }
}

it.each<[string, FailureFacts]>([
  ['an outage', { status: 503 }],
  ['throttling', { status: 429 }],
])('during %s, calls do not wait for the outcome of a probe', async (_name, facts) => {
  await open(facts);
  expect(await isOpen()).toBe(true);
  clocks.advance(1_000);
  let reply: (text: string) => void = () => undefined;
  const probe = breakers.execute(operation, () => new Promise<string>((resolve) => (reply = resolve)));
  const waits = new Promise((resolve) => setImmediate(resolve, 'waits'));
  expect(await Promise.race([isOpen(), waits])).toBe(true);
  reply('reply');
  expect(await probe).toBe('reply');
  expect(await isOpen()).toBe(false);
});
