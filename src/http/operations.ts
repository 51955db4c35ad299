import type { Router } from 'express';
import type { Services } from '../composition';
import type { Config } from '../config/config';
import { isEntra } from '../config/providers';
import { createTokenController } from './controllers/tokenController';
import { createUserController } from './controllers/userController';
import { createUserRateLimit } from './middleware/rateLimits';
import { createRoutes } from './routes';

export interface OperationsParts {
  config: Config;
  services: Services;
}

/** The operations of the API, behind authentication and the limit for each user. Errors are left to an error handler after it. */
export function createOperations({ config, services }: OperationsParts): Router {
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
  });
}
