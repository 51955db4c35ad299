import type { Router } from 'express';
import type { Services } from '../composition';
import type { Config } from '../config/config';
import { isEntra } from '../config/providers';
import type { Log } from '../log';
import { createAdministrationController } from './controllers/administrationController';
import { createTokenController } from './controllers/tokenController';
import { createUserController } from './controllers/userController';
import { createAuditLog } from './middleware/auditLog';
import { createUserRateLimit } from './middleware/rateLimits';
import { createRoutes } from './routes';

export interface OperationsParts {
  config: Config;
  services: Services;
  log: Log;
}

/** The operations of the API, behind authentication and the limit for each user. Errors are left to an error handler after it. */
export function createOperations({ config, services, log }: OperationsParts): Router {
  return createRoutes({
    token: createTokenController({
      users: services.communicationUsers,
      exchangeTeamsToken: services.exchangeTeamsToken,
      allowedClientIdsOf: (tenantId) =>
        config.providers.filter(isEntra).find((provider) => provider.tenantId === tenantId)
          ?.allowedClientIds ?? [],
      teamsAudience: config.communication.teamsAudience,
      timeLimitInMs: services.requestTimeLimitInMs,
    }),
    user: createUserController({
      users: services.communicationUsers,
      timeLimitInMs: services.requestTimeLimitInMs,
    }),
    guards: [services.requireUser, createUserRateLimit(config.rateLimits.user)],
    ...(services.requireAdministrator && {
      administration: {
        controller: createAdministrationController({
          users: services.communicationUsers,
          timeLimitInMs: services.requestTimeLimitInMs,
        }),
        guards: [
          createAuditLog(log),
          services.requireAdministrator,
          createUserRateLimit(config.rateLimits.user),
        ],
      },
    }),
  });
}
