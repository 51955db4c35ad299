import express, { type Express, type RequestHandler, type Response, Router } from 'express';
import type { Log } from './log';
import type { Config } from './config/config';
import { createApiDocs } from './http/apiDocs/apiDocs';
import { openApiVariablesOf } from './http/apiDocs/openApiDocument';
import { ApiError, printable } from './errors';
import { rejectLargeBody } from './http/middleware/bodyLimit';
import { createCors } from './http/middleware/cors';
import { createErrorHandler } from './http/middleware/errorHandler';
import { createLoadShedding } from './http/middleware/loadShedding';
import { createRejectedRateLimit } from './http/middleware/rateLimits';
import { createRequestLog } from './http/middleware/requestLog';
import { setSafeHeaders } from './http/middleware/safeHeaders';
import { createLanding } from './http/landing';
import { createOperations } from './http/operations';
import { sendJson } from './http/sendJson';
import type { AcceptDelay } from './http/server/acceptDelay';
import { methodNotAllowed } from './http/routes';
import { requiredScope } from './authentication/requiredScope';
import type { Services } from './composition';
import type { RequestScope } from './requestScope';

export interface AppParts {
  config: Config;
  services: Services;
  log: Log;
  scope?: RequestScope | undefined;
  /** Measured at the server that runs the app. */
  acceptDelay?: AcceptDelay | undefined;
  /** False while the server is shutting down. */
  isAcceptingWork: () => boolean;
}

/** Builds the Express app. It does not listen and does not read the environment. */
export function createApp({ config, services, log, scope, acceptDelay, isAcceptingWork }: AppParts): Express {
  const app = express();
  app.disable('x-powered-by');
  app.disable('etag');
  // The query is never used: tokens in the URL are not accepted.
  app.set('query parser', false);
  app.set('trust proxy', config.trustedProxies);

  app.use(createRequestLog({ log, scope, telemetry: services.telemetry }));
  app.use(setSafeHeaders);
  app.use(
    createHealthRoutes(() => {
      if (isAcceptingWork() && services.isReady()) return { ready: true };
      const reason = services.notReadyReason();
      return { ready: false, ...(reason === undefined ? {} : { reason }) };
    }),
  );
  if (config.corsAllowedOrigins.length > 0) app.use(createCors(config.corsAllowedOrigins));
  app.all('/', createLanding(config));
  if (config.apiDocs) {
    const variables = openApiVariablesOf(config.providers);
    app.use(createApiDocs({ variables, requiredScope, signInClientId: config.apiDocsClientId }));
  }
  app.use(createLoadShedding({ ...config.overload, acceptDelay, log }));
  app.use(rejectLargeBody);
  app.use(createOperations({ config, services, log }));
  app.use(respondNotFound);
  app.use(createRejectedRateLimit(config.rateLimits.rejected));
  app.use(createErrorHandler(log, config.errorDocumentation));
  return app;
}

/** Long enough to recognize a wrong URL, too short for a whole token. */
const maxPathLength = 100;

const respondNotFound: RequestHandler = ({ method, path }, _response, next) =>
  next(new ApiError('not_found', `Not found: ${method} ${printable(path, maxPathLength)}.`));

/** For load balancers. Upstream services are not checked: an outage of one must not take all instances out of rotation. */
function createHealthRoutes(readiness: () => { ready: boolean; reason?: string }): Router {
  const router = Router();
  // With its whole path: telemetry gets that of the route, and for a mounted router would get what the client sent.
  const mount = (path: string, respond: (response: Response) => void) =>
    router.all(path, ({ method }, response, next) => {
      if (method === 'GET' || method === 'HEAD') respond(response);
      else next(methodNotAllowed(method, ['GET']));
    });
  mount('/health/live', (response) => sendJson(response, 200, { status: 'live' }));
  mount('/health/ready', (response) => {
    const { ready, ...reason } = readiness();
    sendJson(response, ready ? 200 : 503, { status: ready ? 'ready' : 'not ready', ...reason });
  });
  return router;
}
