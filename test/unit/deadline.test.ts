import { withSignal } from '../../src/resilience/deadline';

test('work that fails when nothing waits for it any more does not end the process', async () => {
  const unhandled: unknown[] = [];
  const listener = (error: unknown) => void unhandled.push(error);
  process.on('unhandledRejection', listener);
  try {
    const gone = AbortSignal.abort(new Error('time is up'));
    await expect(withSignal(Promise.reject(new Error('failed')), gone)).rejects.toThrow('time is up');
    // Node reports an unhandled rejection once all microtasks have run.
    await new Promise((resolve) => setImmediate(resolve));
    expect(unhandled).toEqual([]);
  } finally {
    process.off('unhandledRejection', listener);
  }
});
