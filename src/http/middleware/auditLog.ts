import type { RequestHandler } from 'express';
import { findCaller } from '../../authentication/authenticatedUser';
import { printable } from '../../errors';
import type { Log } from '../../log';
import { withoutAddresses } from '../../logSafety';
import { requestIdOf } from './requestLog';

const actions: Readonly<Record<string, string>> = { GET: 'find user', DELETE: 'erase user' };
const maxNameLength = 64;

/** One line for each use of what only administrators may do, refused or not: who, whom, when and how it ended. */
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

/** `unknown`: the caller has gone, but what was begun is completed. */
function outcomeOf(status: number | undefined): string {
  if (status === undefined) return 'unknown';
  if (status < 400) return 'done';
  if (status === 404) return 'not found';
  return status < 500 ? 'refused' : 'failed';
}
