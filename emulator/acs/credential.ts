import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import { type EmulatorContext } from '../context';
import { type Call, header } from '../http/exchange';
import { checkBearer } from './bearer';
import { denied } from './errors';

const allowedSkewInMs = 5 * 60 * 1000;
const emptyBodyHash = createHash('sha256').update('').digest('base64');

/** The resource accepts an access key or a token of Entra. */
export function checkCredential(context: EmulatorContext, call: Call): void {
  const authorization = header(call, 'authorization') ?? '';
  const token = /^Bearer +(\S+)$/i.exec(authorization)?.[1];
  if (token !== undefined) checkBearer(context, token);
  else if (context.switches.accessKeysDisabled) denied();
  else checkAccessKey(context, call, authorization);
}

/** Checks the access key's signature over method, raw target, date, host and hash of the body. */
function checkAccessKey({ clock, switches }: EmulatorContext, call: Call, authorization: string): void {
  const [, dateHeader, signature] =
    /^HMAC-SHA256 SignedHeaders=(x-ms-date|date);host;x-ms-content-sha256&Signature=(.+)$/.exec(
      authorization,
    ) ?? [];
  // Clients that can set `Date` sign that one, as Microsoft's first guide to signing did.
  const date =
    dateHeader === 'date' ? header(call, 'date') : (header(call, 'x-ms-date') ?? header(call, 'date'));
  const contentHash = header(call, 'x-ms-content-sha256');
  const host = header(call, 'host') ?? '';
  if (signature === undefined || date === undefined || contentHash === undefined) denied();
  if (!(Math.abs(clock() - Date.parse(date)) <= allowedSkewInMs)) denied(skewed);
  const actualHash =
    call.body.length === 0 ? emptyBodyHash : createHash('sha256').update(call.body).digest('base64');
  if (contentHash !== actualHash) denied(otherContent);
  const signed = `${call.method}\n${call.target}\n${date};${host};${contentHash}`;
  const actual = Buffer.from(signature);
  const isBy = (key: string) => {
    const expected = createHmac('sha256', Buffer.from(key, 'base64')).update(signed).digest('base64');
    return actual.length === expected.length && timingSafeEqual(actual, Buffer.from(expected));
  };
  if (!switches.accessKeys.some(isBy)) {
    // The most common mistake in a self-written signer, and the hardest to find.
    process.stderr.write(
      `emulator: wrong access key signature; the text to sign is ${JSON.stringify(signed)}\n`,
    );
    denied();
  }
}

const otherContent = "Request 'x-ms-content-sha256' differs from generated content hash.";
const skewed =
  'The time difference between the originating client and the server is greater than the allowed margin of 5 minutes.';
