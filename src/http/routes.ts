import express, { type RequestHandler, Router } from 'express';
import type { TokenController } from './controllers/tokenController';
import type { UserController } from './controllers/userController';
import { ApiError } from '../errors';
import { maxBodyBytes } from './middleware/bodyLimit';

export interface RouteParts {
  token: TokenController;
  user: UserController;
  /** Run before every operation, such as authentication and rate limit. */
  guards: readonly RequestHandler[];
}

/** Every path of the API. */
export const apiPaths = [
  '/getToken',
  '/api/token',
  '/exchangeToken',
  '/api/token/teams',
  '/deleteUser',
  '/api/user',
] as const;

/** The routes of the API. Each operation has a resource path, and the path of the original sample. */
export function createRoutes({ token, user, guards }: RouteParts): Router {
  const router = Router();
  const tokenOperations = { GET: token.issueToken, POST: token.issueToken };
  mount('/getToken', tokenOperations);
  mount('/api/token', tokenOperations);

  const jsonBody = express.json({ limit: maxBodyBytes });
  const exchangeOperations = { GET: token.exchangeTeamsToken, POST: token.exchangeTeamsToken };
  mount('/exchangeToken', exchangeOperations, jsonBody);
  mount('/api/token/teams', exchangeOperations, jsonBody);

  mount('/deleteUser', { DELETE: user.deleteUser });
  mount('/api/user', { GET: user.findUser, POST: user.findOrCreateUser, DELETE: user.deleteUser });
  return router;

  /** `bodyParser` runs after the guards, so that a token in the body is never used as a bearer token. */
  function mount(
    path: (typeof apiPaths)[number],
    operations: Readonly<Record<string, RequestHandler>>,
    ...bodyParser: RequestHandler[]
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
      ...guards,
      ...bodyParser,
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
