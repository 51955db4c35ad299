import { type Call, type Handler, type Reply } from '../http/exchange';
import { type World } from '../world';
import { authenticate, type GraphCaller } from './bearer';
import { GraphError } from './errors';
import { create, list, read, remove, update } from './extensions';
import { me } from './me';

export function graphHandlers(world: World) {
  const answering =
    (handle: (world: World, call: Call, caller: GraphCaller) => Reply): Handler =>
    (call) => {
      try {
        const caller = authenticate(world, call);
        checkLimit(world);
        return handle(world, call, caller);
      } catch (error) {
        if (error instanceof GraphError) return error.toReply(call);
        throw error;
      }
    };
  return {
    'graph.me': answering(me),
    'graph.extension.list': answering(list),
    'graph.extension.create': answering(create),
    'graph.extension.read': answering(read),
    'graph.extension.update': answering(update),
    'graph.extension.delete': answering(remove),
  };
}

function checkLimit(world: World): void {
  const limit = world.switches.graphLimit;
  const seconds = world.limits.exceeded('graph', limit);
  if (seconds === undefined) return;
  throw new GraphError(429, 'TooManyRequests', 'Please retry again later.', {
    ...(limit?.retryAfter ? { 'retry-after': String(seconds) } : {}),
    'x-ms-throttle-limit-percentage': '1.2',
    'x-ms-throttle-scope': 'Tenant_Application/ReadWrite',
    'x-ms-throttle-information': 'CPULimitExceeded',
  });
}
