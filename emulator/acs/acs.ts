import { randomBytes } from 'node:crypto';
import { type Call, type Handler, header, type Reply } from '../http/exchange';
import { type Limit } from '../switches';
import { type EmulatorContext } from '../context';
import { checkCredential } from './credential';
import {
  type ApiVersion,
  checkApiVersion,
  everyVersion,
  hasCustomId,
  hasTeamsExchange,
  versionsOf,
} from './apiVersion';
import { AcsError } from './errors';
import {
  createIdentity,
  deleteIdentity,
  issueAccessToken,
  readIdentity,
  revokeAccessTokens,
} from './identities';
import { exchangeTeamsToken } from './teams';

interface Rules {
  handle: (context: EmulatorContext, call: Call, version: ApiVersion) => Reply;
  isIn?: (version: ApiVersion) => boolean;
  limit?: 'createLimit' | 'issueLimit' | 'exchangeLimit';
}

export function acsHandlers(context: EmulatorContext) {
  const withErrorMapping = (rules: Rules): Handler => {
    const versions = versionsOf(rules.isIn ?? everyVersion);
    return (call) => {
      const startedAt = performance.now();
      try {
        checkCredential(context, call);
        const version = checkApiVersion(call, versions);
        if (rules.limit) checkLimit(context, rules.limit);
        return withHeaders(rules.handle(context, call, version), call, startedAt, versions);
      } catch (error) {
        if (!(error instanceof AcsError)) throw error;
        const { versioned = true } = error.options;
        return withHeaders(error.toReply(), call, startedAt, versioned ? versions : []);
      }
    };
  };
  return {
    'acs.identity.create': withErrorMapping({ handle: createIdentity, limit: 'createLimit' }),
    'acs.identity.read': withErrorMapping({ handle: readIdentity, isIn: hasCustomId }),
    'acs.token.issue': withErrorMapping({ handle: issueAccessToken, limit: 'issueLimit' }),
    'acs.token.revoke': withErrorMapping({ handle: revokeAccessTokens }),
    'acs.identity.delete': withErrorMapping({ handle: deleteIdentity }),
    'acs.teams.exchange': withErrorMapping({
      handle: exchangeTeamsToken,
      isIn: hasTeamsExchange,
      limit: 'exchangeLimit',
    }),
  };
}

function checkLimit(context: EmulatorContext, name: 'createLimit' | 'issueLimit' | 'exchangeLimit'): void {
  const limit: Limit | undefined = context.switches[name];
  const seconds = context.limits.exceeded(name, limit);
  if (seconds === undefined) return;
  throw new AcsError(429, 'TooManyRequests', 'Too many requests. Please retry later.', {
    headers: limit?.retryAfter ? { 'retry-after': String(seconds) } : {},
  });
}

/** As recorded, except for Strict-Transport-Security, which browsers would apply to every server on localhost. */
function withHeaders(reply: Reply, call: Call, startedAt: number, versions: ApiVersion[]): Reply {
  const clientRequestId = header(call, 'x-ms-client-request-id');
  return {
    ...reply,
    headers: {
      ...reply.headers,
      'request-context': 'appId=',
      'ms-cv': `${randomBytes(16).toString('base64').replace(/=+$/, '')}.0`,
      'x-processing-time': `${Math.ceil(performance.now() - startedAt)}ms`,
      'x-azure-ref': randomBytes(12).toString('base64'),
      'x-cache': 'CONFIG_NOCACHE',
      ...(versions.length > 0 ? { 'api-supported-versions': versions.join(', ') } : {}),
      ...(clientRequestId === undefined ? {} : { 'x-ms-client-request-id': clientRequestId }),
    },
  };
}
