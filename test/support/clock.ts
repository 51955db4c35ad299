/**
 * Fakes `Date`, starting at the current time, until `jest.useRealTimers()`. Timers stay real, because connections and time
 * limits need them. The emulator runs in the same process, so its clock moves too.
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
 * Fakes the monotonic clock: it moves only by `advance`, until `jest.restoreAllMocks()`. It starts at a whole millisecond,
 * because with fractions an advance of 10,000 may be measured as 9,999.999999999998.
 */
export function fakeMonotonicClock(): { advance: (milliseconds: number) => void } {
  let now = Math.ceil(performance.now());
  jest.spyOn(performance, 'now').mockImplementation(() => now);
  return { advance: (milliseconds) => void (now += milliseconds) };
}
