/**
 * Takes `Date` into the hands of the test, at the present time, until `jest.useRealTimers()`. Timers stay real: connections and
 * time limits live on them. The emulator is in the same process, so that its clock moves along.
 */
export function fakeDate(): { advance: (milliseconds: number) => void } {
  jest.useFakeTimers({
    now: Date.now(),
    doNotFake: [
      ...(['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval'] as const),
      ...(['setImmediate', 'clearImmediate', 'nextTick', 'queueMicrotask', 'performance', 'hrtime'] as const),
    ],
  });
  return { advance: (milliseconds) => jest.setSystemTime(Date.now() + milliseconds) };
}

/**
 * Takes the monotonic clock, which intervals are measured by: it stands still but for `advance`, until `jest.restoreAllMocks()`.
 * It starts at a whole millisecond: with fractions, an advance by 10,000 may come out as 9,999.999999999998.
 */
export function fakeMonotonicClock(): { advance: (milliseconds: number) => void } {
  let now = Math.ceil(performance.now());
  jest.spyOn(performance, 'now').mockImplementation(() => now);
  return { advance: (milliseconds) => void (now += milliseconds) };
}
