import type { Request, RequestHandler, Response } from 'express';
import { Passport, type Strategy } from 'passport';
import { isError } from '../errors';

/** Undefined if the strategy accepts the request's token, otherwise why it does not. Rejects if the strategy fails. */
export type PassportCheck = (request: Request, response: Response) => Promise<string | undefined>;

export function createPassportCheck(strategy: Strategy & { name: string }): PassportCheck {
  // A separate instance: the package's default export is shared by everything that loads it.
  const passport = new Passport().use(strategy);
  return (request, response) =>
    new Promise((resolve, reject) => {
      const onResult = (error: unknown, claims: unknown, reason: unknown) => {
        if (error) reject(isError(error) ? error : new Error('the bearer strategy failed'));
        else resolve(claims ? undefined : String(reason));
      };
      const check = passport.authenticate(strategy.name, { session: false }, onResult) as RequestHandler;
      // A strategy may also look for a token in the body and the query, which may belong to an app that mounts us.
      const headersOnly = Object.create(request, {
        body: { value: undefined },
        query: { value: undefined },
      }) as Request;
      void check(headersOnly, response, reject);
    });
}
