import type { RequestHandler } from 'express';
import { getCaller } from '../../authentication/authenticatedUser';
import { ApiError } from '../../errors';
import { startRequestDeadline } from '../requestDeadline';
import { sendJson } from '../sendJson';
import type { CommunicationUsers } from '../../identities/communicationUsers';

export interface UserController {
  /** GET /api/user: 200 `{user: {communicationUserId}}`, 404 if there is none. */
  findUser: RequestHandler;
  /** POST /api/user: the same; 201 if the identity was created. */
  findOrCreateUser: RequestHandler;
  /** DELETE /api/user, /deleteUser: 204, even if there was nothing to delete. */
  deleteUser: RequestHandler;
}

export interface UserControllerOptions {
  users: Pick<CommunicationUsers, 'findUser' | 'findOrCreateUser' | 'deleteUser'>;
  timeLimitInMs: number;
}

export function createUserController({ users, timeLimitInMs }: UserControllerOptions): UserController {
  return {
    async findUser(_request, response) {
      const { signal } = startRequestDeadline(response, timeLimitInMs);
      const communicationUserId = await users.findUser(getCaller(response), signal);
      if (communicationUserId === undefined) {
        throw new ApiError(
          'user_not_found',
          'You have no communication identity yet. Create it with POST /api/user or GET /api/token.',
        );
      }
      sendJson(response, 200, { user: { communicationUserId } });
    },

    async findOrCreateUser(_request, response) {
      const { signal } = startRequestDeadline(response, timeLimitInMs);
      const { communicationUserId, created } = await users.findOrCreateUser(getCaller(response), signal);
      sendJson(response, created ? 201 : 200, { user: { communicationUserId } });
    },

    async deleteUser(_request, response) {
      const { signal } = startRequestDeadline(response, timeLimitInMs);
      await users.deleteUser(getCaller(response), signal);
      response.status(204).end();
    },
  };
}
