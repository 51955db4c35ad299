import type { Request, RequestHandler } from 'express';
import { absentUserOf, type AuthenticatedUser, getCaller } from '../../authentication/authenticatedUser';
import { ApiError } from '../../errors';
import type { CommunicationUsers } from '../../identities/communicationUsers';
import { startRequestDeadline } from '../requestDeadline';
import { sendJson } from '../sendJson';

/** What an administrator may do for the users of their own tenant. */
export interface AdministrationController {
  /** GET /api/users/{objectId}: 200 `{user: {communicationUserId}}`, 404 if there is none. */
  findUser: RequestHandler;
  /** DELETE /api/users/{objectId}: 204, even if there was nothing to delete. */
  eraseUser: RequestHandler;
}

export interface AdministrationControllerOptions {
  users: Pick<CommunicationUsers, 'findUser' | 'deleteUser'>;
  timeLimitInMs: number;
}

export function createAdministrationController({
  users,
  timeLimitInMs,
}: AdministrationControllerOptions): AdministrationController {
  return {
    async findUser(request, response) {
      const user = namedUser(getCaller(response), request);
      const { signal } = startRequestDeadline(response, timeLimitInMs);
      const communicationUserId = await users.findUser(user, signal);
      if (communicationUserId === undefined)
        throw new ApiError('user_not_found', 'This user has no communication identity.');
      sendJson(response, 200, { user: { communicationUserId } });
    },

    async eraseUser(request, response) {
      const user = namedUser(getCaller(response), request);
      const { signal } = startRequestDeadline(response, timeLimitInMs);
      await users.deleteUser(user, signal);
      response.status(204).end();
    },
  };
}

/** Of the administrator's tenant: no token gives access to the users of another one. */
function namedUser(administrator: AuthenticatedUser, { params }: Request): AuthenticatedUser {
  const { objectId } = params;
  if (typeof objectId === 'string' && /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(objectId))
    return absentUserOf(administrator, objectId.toLowerCase());
  throw new ApiError(
    'invalid_request',
    'The path does not end with the object ID of a user, a GUID. A sign-in name is not accepted, because it can be reassigned.',
    { target: 'objectId' },
  );
}
