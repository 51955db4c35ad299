import { inSeconds } from '../clock';
import { type EmulatorContext } from '../context';
import { type Claims } from '../tokens/jwt';
import { fail, messageTime } from './errors';

const allowedSkewInSeconds = 300;
const documentation = 'https://learn.microsoft.com/entra/identity-platform/certificate-credentials';

/** A client assertion whose signature does not prove anything. */
export function invalidAssertion(reason: string): never {
  fail({
    status: 401,
    error: 'invalid_client',
    code: 700027,
    message: `Client assertion contains an invalid signature. [Reason - ${reason}]`,
  });
}

export function invalidClient(code: number, message: string, link = documentation): never {
  fail({
    status: 401,
    error: 'invalid_client',
    code,
    message: `${message} Review the documentation at ${link} .`,
  });
}

export function checkLifetime(context: EmulatorContext, { exp, nbf }: Claims): void {
  const now = inSeconds(context.clock());
  const started = typeof nbf !== 'number' || nbf <= now + allowedSkewInSeconds;
  if (typeof exp === 'number' && exp > now && started) return;
  invalidClient(
    700024,
    `Client assertion is not within its valid time range. Current time: ${messageTime(now)}, assertion valid from ` +
      `${messageTime(nbf)}, expiry time of assertion ${messageTime(exp)}.`,
  );
}
