import type { RequestHandler } from 'express';
import { findCaller } from '../../authentication/authenticatedUser';
import { printable } from '../../errors';
import type { Log } from '../../log';
import { withoutAddresses } from '../../logSafety';
import { requestIdOf } from './requestLog';

const actions: Readonly<Record<string, string>> = { GET: 'find user', DELETE: 'erase user' };
const maxNameLength = 64;

/** One line for each administrator's operation, refused or not: who called, for which user, when, and the outcome. */
export function createAuditLog(log: Log): RequestHandler {
  return (request, response, next) => {
    const { objectId } = request.params;
    response.once('close', () => {
      const caller = findCaller(response);
      log.info(
        {
          audit: actions[request.method] ?? request.method,
          outcome: outcomeOf(response.writableFinished ? response.statusCode : undefined),
          administrator: caller?.subject,
          client: caller?.clientId,
          tenant: caller?.entra?.tenantId ?? caller?.issuer,
          user:
            typeof objectId === 'string' ? printable(withoutAddresses(objectId), maxNameLength) : undefined,
          error: response.getHeader('x-ms-error-code'),
          requestId: requestIdOf(response),
        },
        'audit',
      );
    });
    next();
  };
}

/** `unknown`: the caller disconnected, but the operation is completed. */
function outcomeOf(status: number | undefined): string {
  if (status === undefined) return 'unknown';
  if (status < 400) return 'done';
  if (status === 404) return 'not found';
  return status < 500 ? 'refused' : 'failed';
}
