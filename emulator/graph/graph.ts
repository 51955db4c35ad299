import { type Call, type Handler, type Reply } from '../http/exchange';
import { type EmulatorContext } from '../context';
import { listApplications } from './applications';
import { authenticate, challenge, type GraphCaller } from './bearer';
import { GraphError } from './errors';
import { create, list, read, remove, update } from './extensions';
import { readUserInfo } from './userInfo';
import { readUser } from './users';
import { runBatch } from './batch';

export function graphHandlers(context: EmulatorContext) {
  const withErrorMapping =
    (handle: (context: EmulatorContext, call: Call, caller: GraphCaller) => Reply): Handler =>
    (call) => {
      try {
        const caller = authenticate(context, call);
        checkLimit(context);
        return handle(context, call, caller);
      } catch (error) {
        if (!(error instanceof GraphError)) throw error;
        const reply = error.toReply(call);
        if (reply.status !== 401) return reply;
        return { ...reply, headers: { 'www-authenticate': challenge(context, call), ...reply.headers } };
      }
    };
  const handlers = {
    'graph.me': withErrorMapping(readUser),
    'graph.extension.list': withErrorMapping(list),
    'graph.extension.create': withErrorMapping(create),
    'graph.extension.read': withErrorMapping(read),
    'graph.extension.update': withErrorMapping(update),
    'graph.extension.delete': withErrorMapping(remove),
    'graph.user.read': withErrorMapping(readUser),
    'graph.user.extension.list': withErrorMapping(list),
    'graph.user.extension.create': withErrorMapping(create),
    'graph.user.extension.read': withErrorMapping(read),
    'graph.user.extension.update': withErrorMapping(update),
    'graph.user.extension.delete': withErrorMapping(remove),
    'graph.application.list': withErrorMapping(listApplications),
  };
  return {
    ...handlers,
    'graph.userInfo': withErrorMapping(readUserInfo),
    'graph.batch': withErrorMapping((_context, call) => runBatch(call, handlers)),
  };
}

function checkLimit(context: EmulatorContext): void {
  const limit = context.switches.graphLimit;
  const seconds = context.limits.exceeded('graph', limit);
  if (seconds === undefined) return;
  throw new GraphError(429, 'TooManyRequests', 'Please retry again later.', {
    ...(limit?.retryAfter ? { 'retry-after': String(seconds) } : {}),
    'x-ms-throttle-limit-percentage': '1.2',
    'x-ms-throttle-scope': 'Tenant_Application/ReadWrite',
    'x-ms-throttle-information': 'CPULimitExceeded',
  });
}
