import express, { type RequestHandler, Router } from 'express';
import type { AdministrationController } from './controllers/administrationController';
import type { TokenController } from './controllers/tokenController';
import type { UserController } from './controllers/userController';
import { ApiError } from '../errors';
import { maxBodyBytes } from './middleware/bodyLimit';

export interface RouteParts {
  token: TokenController;
  user: UserController;
  /** Run before every operation, such as authentication and rate limit. */
  guards: readonly RequestHandler[];
  /** Absent if the server cannot recognize administrators. */
  administration?: {
    controller: AdministrationController;
    /** Run before these operations, instead of the guards above. */
    guards: readonly RequestHandler[];
  };
}

/** The paths that every user may call. */
export const apiPaths = [
  '/getToken',
  '/api/token',
  '/exchangeToken',
  '/api/token/teams',
  '/deleteUser',
  '/api/user',
] as const;

const administrationPath = '/api/users/:objectId';

/** The routes of the API. Each operation has a resource path, and the path of the original sample. */
export function createRoutes({ token, user, guards, administration }: RouteParts): Router {
  const router = Router();
  const tokenOperations = { GET: token.issueToken, POST: token.issueToken };
  mount('/getToken', tokenOperations, guards);
  mount('/api/token', tokenOperations, guards);

  const jsonBody = express.json({ limit: maxBodyBytes });
  const exchangeOperations = { GET: token.exchangeTeamsToken, POST: token.exchangeTeamsToken };
  // The body is parsed after the guards, so that a token in it is never used as a bearer token.
  mount('/exchangeToken', exchangeOperations, [...guards, jsonBody]);
  mount('/api/token/teams', exchangeOperations, [...guards, jsonBody]);

  mount('/deleteUser', { DELETE: user.deleteUser }, guards);
  mount('/api/user', { GET: user.findUser, POST: user.findOrCreateUser, DELETE: user.deleteUser }, guards);

  if (administration) {
    const { findUser, eraseUser } = administration.controller;
    mount(administrationPath, { GET: findUser, DELETE: eraseUser }, administration.guards);
  }
  return router;

  function mount(
    path: (typeof apiPaths)[number] | typeof administrationPath,
    operations: Readonly<Record<string, RequestHandler>>,
    before: readonly RequestHandler[],
  ): void {
    const byMethod = new Map(Object.entries(operations));
    const allowed = [...byMethod.keys()];
    router.all(
      path,
      (request, response, next) => {
        if (byMethod.has(request.method)) next();
        else if (request.method === 'OPTIONS') response.set('Allow', allowed.join(', ')).status(204).end();
        else next(methodNotAllowed(request.method, allowed));
      },
      ...before,
      (request, response, next) => byMethod.get(request.method)?.(request, response, next),
    );
  }
}

/** HEAD is rejected too: it would issue a token and drop it. */
export function methodNotAllowed(method: string, allowed: readonly string[]): ApiError {
  const alternatives = allowed.join(', ').replace(/, (\w+)$/, ' or $1');
  return new ApiError('method_not_allowed', `Method ${method} not allowed. Use ${alternatives}.`, {
    headers: { Allow: allowed.join(', ') },
  });
}
