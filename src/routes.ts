import express, { type RequestHandler, Router } from 'express';
import type { TokenController } from './controllers/tokenController';
import type { UserController } from './controllers/userController';
import { ApiError } from './errors';
import { largestBodyInBytes } from './middleware/bodyLimit';

export interface RouteParts {
  token: TokenController;
  user: UserController;
  /** Run before every operation: authentication, rate limit. */
  guards: readonly RequestHandler[];
}

/** The whole API: each operation has the name of the original sample, and its resource path. */
export function createRoutes({ token, user, guards }: RouteParts): Router {
  const jsonBody = express.json({ limit: largestBodyInBytes });
  const exchange = [jsonBody, token.exchangeTeamsToken];

  const router = Router();
  mount('/getToken', { GET: [token.issueToken], POST: [token.issueToken] });
  mount('/api/token', { GET: [token.issueToken], POST: [token.issueToken] });
  mount('/exchangeToken', { GET: [token.exchangeTeamsToken], POST: exchange });
  mount('/api/token/teams', { GET: [token.exchangeTeamsToken], POST: exchange });
  mount('/deleteUser', { DELETE: [user.deleteUser] });
  mount('/api/user', { GET: [user.findUser], POST: [user.findOrCreateUser], DELETE: [user.deleteUser] });
  return router;

  function mount(path: string, operations: Partial<Record<string, RequestHandler[]>>): void {
    const allow = Object.keys(operations).join(', ');
    const route = router.route(path);
    route.all((request, response, next) => {
      if (operations[request.method]) next();
      else if (request.method === 'OPTIONS') response.set('Allow', allow).status(204).end();
      else next(methodNotAllowed(request.method, allow));
    });
    route.all(...guards);
    for (const [method, handlers] of Object.entries(operations)) {
      for (const handler of handlers ?? []) {
        route.all((request, response, next) =>
          request.method === method ? handler(request, response, next) : next(),
        );
      }
    }
  }
}

/** HEAD is refused too: it would issue tokens that nobody gets to see. */
function methodNotAllowed(method: string, allow: string): ApiError {
  return new ApiError('method_not_allowed', `${method} is not possible here. Possible: ${allow}.`, {
    headers: { Allow: allow },
  });
}
