import { trace } from '@opentelemetry/api';
import { createRequestScope } from '../../src/requestScope';
import { createActiveSpan } from '../../src/telemetry/activeSpan';

// An app that starts and stops the server many times would otherwise become slower with each.
describe('what runs now is no longer tracked once closed:', () => {
  it('the request', () => {
    const scope = createRequestScope({ telemetry: undefined, forwardRequestId: true });
    const ids = { requestId: '1', clientRequestId: undefined, traceId: undefined };
    scope?.run(ids, () => {
      expect(scope.current()).toBe(ids);
      scope.close();
      expect(scope.current()).toBeUndefined();
    });
    expect.assertions(2);
  });

  it('the span', () => {
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
