import type { Log } from '../log';
import { UpstreamError } from '../resilience/upstreamError';
import type { ClientCredential } from './clientCredential/clientCredential';

/** Logs a failed token request whose credential Entra ID does not accept: the upstream's log line has only the numbers of the error. */
export function logRejectedCredential(error: unknown, credential: ClientCredential, log: Log): void {
  if (!(error instanceof UpstreamError) || error.upstream !== 'Microsoft Entra ID') return;
  const { code = '' } = error.details;
  if (!code.startsWith('invalid_client')) return;
  log.error(
    { error: code, credential: credential.describe() },
    'Microsoft Entra ID does not accept the credential of AuthServer: compare it with the registration, or run the doctor',
  );
}
