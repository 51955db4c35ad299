import express, { type RequestHandler, Router } from 'express';
import type { TokenController } from './controllers/tokenController';
import type { UserController } from './controllers/userController';
import { ApiError } from '../errors';
import { maxBodyBytes } from './middleware/bodyLimit';

export interface RouteParts {
  token: TokenController;
  user: UserController;
  /** Run before every operation: authentication, rate limit. */
  guards: readonly RequestHandler[];
}

/** The whole API: each operation has the name of the original sample, and its resource path. */
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

  /** `bodyParser` runs behind the guards: a token in a body must never be taken for a bearer token. */
  function mount(
    path: string,
    operations: Readonly<Record<string, RequestHandler>>,
    ...bodyParser: RequestHandler[]
  ): void {
    const byMethod = new Map(Object.entries(operations));
    const allow = [...byMethod.keys()].join(', ');
    router.all(
      path,
      (request, response, next) => {
        if (byMethod.has(request.method)) next();
        else if (request.method === 'OPTIONS') response.set('Allow', allow).status(204).end();
        else next(methodNotAllowed(request.method, allow));
      },
      ...guards,
      ...bodyParser,
      (request, response, next) => byMethod.get(request.method)?.(request, response, next),
    );
  }
}

/** HEAD is refused too: it would issue tokens that nobody gets to see. */
export function methodNotAllowed(method: string, allow: string): ApiError {
  return new ApiError('method_not_allowed', `${method} is not possible here. Possible: ${allow}.`, {
    headers: { Allow: allow },
  });
}
