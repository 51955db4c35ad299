import { CircuitState } from 'cockatiel';
import { LoadBreaker } from '../../src/resilience/loadBreaker';
import { fakeMonotonicClock } from '../support/clock';

afterEach(() => void jest.restoreAllMocks());

/** Makes `bursts` bursts of calls, `apartInMs` apart, and returns whether a failure opened the breaker. */
function opens(bursts: number, apartInMs: number, failures: number, successes: number): boolean {
  const clock = fakeMonotonicClock();
  const breaker = new LoadBreaker();
  let opened = false;
  for (let burst = 0; burst < bursts; burst += 1) {
    for (let call = 0; call < successes; call += 1) breaker.success(CircuitState.Closed);
    for (let call = 0; call < failures; call += 1) opened = breaker.failure(CircuitState.Closed) || opened;
    clock.advance(apartInMs);
  }
  return opened;
}

it.each([
  { bursts: 1, apartInMs: 0, failures: 24, successes: 0, expected: false },
  { bursts: 1, apartInMs: 0, failures: 25, successes: 0, expected: true },
  { bursts: 5, apartInMs: 1_000, failures: 5, successes: 0, expected: true },
  { bursts: 50, apartInMs: 1_000, failures: 4, successes: 0, expected: false },
  { bursts: 50, apartInMs: 5_000, failures: 24, successes: 0, expected: false },
  { bursts: 50, apartInMs: 3_600_000, failures: 6, successes: 0, expected: false },
  { bursts: 5, apartInMs: 1_000, failures: 20, successes: 21, expected: false },
  { bursts: 5, apartInMs: 1_000, failures: 21, successes: 20, expected: true },
])(
  '$bursts bursts of $failures failures and $successes successes, $apartInMs ms apart, open the breaker: $expected',
  ({ bursts, apartInMs, failures, successes, expected }) => {
    expect(opens(bursts, apartInMs, failures, successes)).toBe(expected);
  },
);

it('a failed probe keeps it open, a successful one resets it', () => {
  fakeMonotonicClock();
  const breaker = new LoadBreaker();
  for (let call = 0; call < 100; call += 1) breaker.failure(CircuitState.Closed);
  expect(breaker.failure(CircuitState.HalfOpen)).toBe(true);
  breaker.success(CircuitState.HalfOpen);
  expect(breaker.failure(CircuitState.Closed)).toBe(false);
});
