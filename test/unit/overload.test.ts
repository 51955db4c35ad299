import { createOverload } from '../../src/http/middleware/overload';

const saturated = { idle: 0, active: 1, utilization: 1 };

beforeEach(() => {
  jest.useFakeTimers();
  jest.spyOn(performance, 'eventLoopUtilization').mockReturnValue(saturated);
});
afterEach(() => {
  jest.useRealTimers();
  jest.restoreAllMocks();
});

describe('the expected wait on a saturated event loop', () => {
  it('does not contain what the requests of a burst have done already', () => {
    const overload = createOverload(undefined);
    for (let inFlight = 1; inFlight <= 250; inFlight += 5) {
      jest.advanceTimersByTime(50);
      expect(overload.waitInMs(inFlight)).toBeLessThan(4_000);
    }
  });

  it('grows while no request is completed', () => {
    const overload = createOverload(undefined);
    const waits = Array.from({ length: 100 }, () => {
      jest.advanceTimersByTime(50);
      return overload.waitInMs(400);
    });
    expect(waits.at(-1)).toBeGreaterThan(10_000);
  });
});
