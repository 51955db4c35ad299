import type { ErrorRequestHandler, Request, RequestHandler, Response } from 'express';
import { ipKeyGenerator, MemoryStore, rateLimit } from 'express-rate-limit';
import { getCaller } from '../../authentication/authenticatedUser';
import { ApiError } from '../../errors';

const windowInMs = 60_000;

/** Limits the requests of each user. Must run after authentication. 0 disables the limit. */
export function createUserRateLimit(requestsAMinute: number): RequestHandler {
  return createLimit(
    requestsAMinute,
    (_request, response) => getCaller(response).key,
    `You have sent more than ${requestsAMinute} requests in a minute. Wait for the time in Retry-After.`,
  );
}

/**
 * Limits the rejected requests of each IP address. Valid tokens from the same address are still accepted, because a whole
 * office may share it. 0 disables the limit.
 */
export function createRejectedRateLimit(rejectionsAMinute: number): ErrorRequestHandler {
  const limit = createLimit(
    rejectionsAMinute,
    (request) => ipKeyGenerator(withoutPort(request.ip ?? '')),
    `More than ${rejectionsAMinute} requests from your IP address were rejected in a minute. Wait for the time in Retry-After, then send a valid access token.`,
  );
  return (error: unknown, request, response, next) => {
    if (!isRejection(error)) {
      next(error);
      return;
    }
    void limit(request, response, (limited?: unknown) => next(limited ?? error));
  };
}

/** The front ends of App Service append the port: `203.0.113.7:50001`, `[2001:db8::7]:50001`. */
function withoutPort(address: string): string {
  const [, inBrackets, ipv4] = /^(?:\[([^\]]+)\]|(\d+\.\d+\.\d+\.\d+))(?::\d+)?$/.exec(address) ?? [];
  return inBrackets ?? ipv4 ?? address;
}

const rejections = new Set([
  'missing_token',
  'invalid_token',
  'insufficient_scope',
  'app_only_token',
  'insufficient_role',
  'client_not_allowed',
]);

function isRejection(error: unknown): boolean {
  return error instanceof ApiError && rejections.has(error.code);
}

/** Of the requests of each caller. */
class Counts extends MemoryStore {
  override async increment(key: string): ReturnType<MemoryStore['increment']> {
    // The end of a caller's minute is a time by the system clock, which may have been set back since.
    const before = this.current.get(key) ?? this.previous.get(key);
    if (before && before.resetTime.getTime() - Date.now() > windowInMs) void this.resetKey(key);
    const shared = super.increment(key);
    // The library increments at once, but returns an object to which concurrent requests add before it is read.
    const counted = this.current.get(key);
    return counted ? { ...counted } : shared;
  }
}

function createLimit(
  requestsAMinute: number,
  keyGenerator: (request: Request, response: Response) => string,
  message: string,
): RequestHandler {
  if (requestsAMinute === 0) return (_request, _response, next) => next();
  return rateLimit({
    windowMs: windowInMs,
    limit: requestsAMinute,
    store: new Counts(),
    keyGenerator,
    standardHeaders: false,
    legacyHeaders: false,
    requestPropertyName: 'rateLimit',
    handler: (request, _response, next) => {
      const resetTime: unknown = (request as { rateLimit?: { resetTime?: unknown } }).rateLimit?.resetTime;
      const waitInMs = resetTime instanceof Date ? resetTime.getTime() - Date.now() : windowInMs;
      const retryAfter = String(Math.max(1, Math.ceil(waitInMs / 1_000)));
      next(new ApiError('too_many_requests', message, { headers: { 'Retry-After': retryAfter } }));
    },
  });
}
