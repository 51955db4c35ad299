import type { Request, RequestHandler } from 'express';
import { z } from 'zod';
import { getCaller } from '../../authentication/authenticatedUser';
import { parseTeamsToken } from '../../tokens/teamsTokenChecks';
import { ApiError, printable } from '../../errors';
import { startRequestDeadline } from '../requestDeadline';
import { sendJson } from '../sendJson';
import type { CommunicationToken } from '../../acs/acsIdentityClient';
import type { CommunicationUsers } from '../../identities/communicationUsers';
import type { ExchangeTeamsToken } from '../../tokens/teamsExchange';

export interface TokenController {
  /** GET or POST /api/token, /getToken: 200 `{token, expiresOn, user: {communicationUserId}}`. */
  issueToken: RequestHandler;
  /** GET or POST /api/token/teams, /exchangeToken: 200 `{token, expiresOn}`. */
  exchangeTeamsToken: RequestHandler;
}

export interface TokenControllerOptions {
  users: Pick<CommunicationUsers, 'findReusableToken' | 'issueToken'>;
  exchangeTeamsToken: ExchangeTeamsToken;
  /** The client applications whose Teams tokens are accepted in a tenant, in addition to the caller's own. */
  allowedClientIdsOf: (tenantId: string) => readonly string[];
  /** The resource of the Teams tokens. */
  teamsAudience: string;
  timeLimitInMs: number;
}

const expectedBody = 'Expected: {"teamsUserAadToken": "<token>"}';
const teamsExchangeBody = z.strictObject({ teamsUserAadToken: z.string().optional() });

export function createTokenController({
  users,
  exchangeTeamsToken,
  allowedClientIdsOf,
  teamsAudience: audience,
  timeLimitInMs,
}: TokenControllerOptions): TokenController {
  return {
    async issueToken(request, response) {
      const caller = getCaller(response);
      const fresh = /\bno-cache\b/i.test(request.headers['cache-control'] ?? '');
      const issued =
        (fresh ? undefined : users.findReusableToken(caller)) ??
        (await users.issueToken(caller, { fresh }, startRequestDeadline(response, timeLimitInMs).signal));
      const { communicationUserId } = issued;
      sendJson(response, 200, { ...tokenBody(issued), user: { communicationUserId } });
    },

    async exchangeTeamsToken(request, response) {
      const caller = getCaller(response);
      const { entra, clientId } = caller;
      if (!entra) {
        throw new ApiError(
          'teams_exchange_not_supported',
          'Only users of Microsoft Entra ID can exchange a Teams token. Use GET /api/token for a token of your own identity.',
        );
      }
      const allowedClientIds = allowedClientIdsOf(entra.tenantId);
      const clientIds = clientId === undefined ? allowedClientIds : [clientId, ...allowedClientIds];
      const text = teamsTokenTextOf(request);
      if (text === undefined) rejectUnreadBody(request);
      const teamsToken = parseTeamsToken(text, { ...entra, clientIds, audience });
      const { signal } = startRequestDeadline(response, timeLimitInMs);
      const token = await exchangeTeamsToken(caller, teamsToken, signal);
      sendJson(response, 200, tokenBody(token));
    },
  };
}

function tokenBody({ token, expiresOn }: CommunicationToken): { token: string; expiresOn: string } {
  return { token, expiresOn: expiresOn.toISOString() };
}

function teamsTokenTextOf(request: Request): string | undefined {
  const inHeader = nonEmpty(request.get('teams-user-aad-token'));
  const body: unknown = request.body;
  if (body === undefined) return inHeader;
  const parsed = teamsExchangeBody.safeParse(body);
  if (!parsed.success) {
    throw new ApiError('invalid_request', invalidBodyMessage(parsed.error), { target: 'body' });
  }
  const inBody = nonEmpty(parsed.data.teamsUserAadToken);
  if (inHeader && inBody && inHeader !== inBody) {
    throw new ApiError(
      'invalid_request',
      'The Teams tokens in the header and in the body differ. Send only one of them.',
      {
        target: 'teamsUserAadToken',
      },
    );
  }
  return inHeader ?? inBody;
}

const maxNameLength = 40;

/** A body of another type than JSON is not read, so the token in it, if any, is missing. */
function rejectUnreadBody(request: Request): void {
  const { 'content-type': type, 'content-length': length, 'transfer-encoding': encoding } = request.headers;
  if (request.body !== undefined || (encoding === undefined && Number(length ?? 0) === 0)) return;
  const found =
    type === undefined
      ? 'The body has no Content-Type'
      : `The Content-Type "${printable(type, maxNameLength)}" is not supported`;
  throw new ApiError('teams_token_missing', `${found}. Send application/json. ${expectedBody}`, {
    target: 'teamsUserAadToken',
  });
}

function invalidBodyMessage({ issues }: z.ZodError): string {
  const unknown = issues.flatMap((issue) => (issue.code === 'unrecognized_keys' ? issue.keys : []))[0];
  return unknown === undefined
    ? `Invalid body. ${expectedBody}`
    : `Unknown property "${printable(unknown, maxNameLength)}". ${expectedBody}`;
}

function nonEmpty(text: string | undefined): string | undefined {
  const trimmed = text?.trim();
  return trimmed === '' ? undefined : trimmed;
}
