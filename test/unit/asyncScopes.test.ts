import { trace } from '@opentelemetry/api';
import { createRequestScope } from '../../src/requestScope';
import { createActiveSpan } from '../../src/telemetry/activeSpan';

// Otherwise an app that starts and stops the server many times would become slower each time.
describe('close() ends the tracking of', () => {
  it('the current request', () => {
    const scope = createRequestScope({ telemetry: undefined, forwardRequestId: true });
    const ids = { requestId: '1', clientRequestId: undefined, traceId: undefined };
    scope?.run(ids, () => {
      expect(scope.current()).toBe(ids);
      scope.close();
      expect(scope.current()).toBeUndefined();
    });
    expect.assertions(2);
  });

  it('the current span', () => {
    const active = createActiveSpan();
    const current = { span: trace.wrapSpanContext({ traceId: '1', spanId: '2', traceFlags: 0 }) };
    active.run(current, () => {
      expect(active.current()).toBe(current);
      active.close();
      expect(active.current()).toBeUndefined();
    });
    expect.assertions(2);
  });
});
