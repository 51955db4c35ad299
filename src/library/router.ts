import { type RequestHandler, Router } from 'express';
import { rejectLargeBody } from '../http/middleware/bodyLimit';
import { createErrorHandler } from '../http/middleware/errorHandler';
import { createRejectedRateLimit } from '../http/middleware/rateLimits';
import { createRequestLog } from '../http/middleware/requestLog';
import { setSafeHeaders } from '../http/middleware/safeHeaders';
import { apiPaths } from '../http/routes';
import type { Log } from '../log';

export interface RouterParts {
  /** Handles requests to the paths of the API. */
  operations: RequestHandler;
  /** Rejected requests a minute from one address. */
  rejectedLimit: number;
  log: Log;
}

/** The API for an app to mount. All other paths, and the errors of other handlers, stay the app's, even where it is mounted at the root. */
export function createRouter({ operations, rejectedLimit, log }: RouterParts): Router {
  const router = Router();
  router.all([...apiPaths], createRequestLog({ log }), setSafeHeaders, rejectLargeBody, operations);
  router.use(createRejectedRateLimit(rejectedLimit));
  router.use(createErrorHandler(log));
  return router;
}
