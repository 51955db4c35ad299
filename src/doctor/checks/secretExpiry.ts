import { z } from 'zod';
import type { ClientCredentialConfig } from '../../config/credentials';
import type { GraphStoreConfig } from '../../config/identities';
import { decodeJwt } from '../../authentication/jwt';
import { daysUntil, expiryWarningInDays } from '../../entra/clientCredential/certificateCredential';
import { HttpError } from '../../resilience/httpClient';
import { type Check, ok, problem, type Result, skipped, warning } from '../check';
import type { EntraDoctorContext } from '../context';
import { parseJson } from '../network';

/** The application permission to read when a secret expires. */
export const readApplications = 'Application.Read.All';

const renew =
  'Create a new secret under App registrations > AuthServer > Certificates & secrets, set AZURE_CLIENT_SECRET, restart, then delete the old one.';

const applications = z.looseObject({
  value: z.array(
    z.looseObject({
      passwordCredentials: z.array(
        z.looseObject({ keyId: z.guid(), hint: z.string().nullish(), endDateTime: z.coerce.date() }),
      ),
    }),
  ),
});

/**
 * When the client secret expires. Only the registration says so; without permission to read it, nothing is reported.
 *
 * @param graphToken the application's own token, once there is one
 */
export function createSecretExpiryCheck(
  context: EntraDoctorContext,
  graph: GraphStoreConfig,
  graphToken: () => string | undefined,
): Check[] {
  const { credential, clientId } = context.entra;
  if (credential?.kind !== 'secret') return [];
  return [
    {
      group: 'Identity provider',
      name: 'expiry of the client secret',
      async run() {
        const token = graphToken() ?? '';
        const roles = decodeJwt(token)?.claims.roles;
        if (!Array.isArray(roles) || !roles.includes(readApplications)) return [];
        const query = new URLSearchParams({
          $filter: `appId eq '${clientId}'`,
          $select: 'passwordCredentials',
        });
        const reply = await context.http
          .send(`${graph.endpoint}/v1.0/applications?${query.toString()}`, {
            method: 'GET',
            headers: { Authorization: `Bearer ${token}` },
            signal: AbortSignal.timeout(context.callTimeLimitInMs),
          })
          // The server does not need this call.
          .catch((error: unknown) => {
            if (error instanceof HttpError) return undefined;
            throw error;
          });
        if (!reply) return skipped('no usable response from Microsoft Graph');
        if (reply.status !== 200) return skipped(`Microsoft Graph returned HTTP ${reply.status}`);
        const listed = applications.safeParse(parseJson(reply.text));
        return listed.success
          ? describeExpiry(listed.data, credential, context.now())
          : skipped('Microsoft Graph returned an invalid response');
      },
    },
  ];
}

function describeExpiry(
  { value }: z.infer<typeof applications>,
  { secret }: Extract<ClientCredentialConfig, { kind: 'secret' }>,
  now: number,
): Result {
  // The hint is the first three characters of a secret.
  const own = value
    .flatMap(({ passwordCredentials }) => passwordCredentials)
    .filter(({ hint }) => hint === secret.slice(0, 3))
    .sort((a, b) => a.endDateTime.getTime() - b.endDateTime.getTime());
  const [first] = own;
  if (!first) return skipped('the secret is not among those that Microsoft Graph lists');
  const { keyId, endDateTime } = first;
  const days = Math.floor(daysUntil(endDateTime, now));
  const date = endDateTime.toISOString().slice(0, 10);
  if (days < 0) return problem(`the secret ${keyId} expired on ${date}`, renew);
  return days < expiryWarningInDays
    ? warning(`the secret ${keyId} expires in ${days} days, on ${date}`, renew)
    : ok(`the secret ${keyId} expires in ${days} days, on ${date}`);
}
