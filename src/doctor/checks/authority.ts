import { z } from 'zod';
import { UpstreamError } from '../../resilience/upstreamError';
import { type Check, ok, problem, type Result, warning } from '../check';
import { explainEntraError, parseEntraError } from '../entraErrors';
import { probe, explainNetworkError, parseJson, type TimedReply } from '../network';
import { printable } from '../report';
import type { EntraDoctorContext } from '../context';
import { settingsOfProvider } from '../settings/providerSettings';

const document = z.looseObject({
  issuer: z.string(),
  jwks_uri: z.string(),
  token_endpoint: z.string(),
  id_token_signing_alg_values_supported: z.array(z.string()).optional(),
});

const proxyAdvice =
  'Another server responds instead of Microsoft Entra ID, such as a proxy or a network sign-in page: check AZURE_AUTHORITY_HOST.';

export interface AuthorityChecks {
  readonly metadata: Check;
  readonly v1Metadata: Check;
  readonly signingKeys: Check;
}

/** Whether the tenant's authority publishes its metadata, and keys that verify tokens. */
export function createAuthorityChecks(context: EntraDoctorContext): AuthorityChecks {
  const { authorityHost, tenantId, name } = context.entra;
  const label = name === 'entra' ? 'Entra' : `Entra (${name})`;

  /** @param unread maps the result if the document could not be read */
  async function read(path: string, unread = (result: Result): Result => result): Promise<Result> {
    const url = `${authorityHost}/${tenantId}/${path}.well-known/openid-configuration`;
    let reply: TimedReply;
    try {
      reply = await probe(context, url);
    } catch (error) {
      return unread(explainNetworkError(error, url, 'AZURE_AUTHORITY_HOST'));
    }
    if (reply.clockAheadInMs !== undefined)
      context.clocksAheadInMs.set('Microsoft Entra ID', reply.clockAheadInMs);
    if (reply.status !== 200) {
      const { numbers, error } = parseEntraError(reply.text);
      return unread(explainEntraError(numbers, error, reply.status, authorityHost));
    }
    const parsed = document.safeParse(parseJson(reply.text));
    return parsed.success
      ? checkDocument(parsed.data, tenantId)
      : unread(problem('the response is not a discovery document', proxyAdvice));
  }

  const group = 'Identity provider';
  const metadata: Check = {
    name: `${label} metadata v2`,
    group,
    // Not the client id: metadata are those of a tenant.
    settings: [
      'AZURE_CLOUD',
      ...settingsOfProvider(context.entra).filter((setting) => /TENANT_ID|AUTHORITY_HOST/.test(setting)),
    ],
    run: () => read('v2.0/'),
  };
  return {
    metadata,
    v1Metadata: {
      name: `${label} metadata v1`,
      group,
      needs: [metadata],
      // The server uses the usual v1 issuer if it cannot read this document.
      run: () =>
        read('', ({ message, remedy }) =>
          warning(`${message}; v1 tokens are accepted from the usual issuer only`, remedy),
        ),
    },
    signingKeys: {
      name: `${label} signing keys`,
      group,
      needs: [metadata],
      async run() {
        try {
          const { signingKeys } = await context.authority.metadata();
          return ok(`${signingKeys.size} for RS256`);
        } catch (error) {
          return explainKeys(error, authorityHost);
        }
      },
    },
  };
}

function checkDocument(
  { issuer, id_token_signing_alg_values_supported: algorithms }: z.infer<typeof document>,
  tenantId: string,
): Result {
  if (!issuer.toLowerCase().includes(tenantId)) {
    return problem(
      `the issuer ${printable(issuer)} does not belong to the tenant in AZURE_TENANT_ID`,
      proxyAdvice,
    );
  }
  if (algorithms && !algorithms.includes('RS256')) {
    return problem(`the authority signs with ${printable(algorithms)}, not with RS256`, proxyAdvice);
  }
  return ok(`issuer ${printable(issuer)}`);
}

function explainKeys(error: unknown, authorityHost: string): Result {
  if (!(error instanceof UpstreamError)) throw error;
  const { transportFailure, status } = error.details;
  if (status !== undefined) return explainEntraError([], undefined, status, authorityHost);
  if (transportFailure === 'invalid_response')
    return problem('the response contains no RSA key that can verify RS256 signatures', proxyAdvice);
  return explainNetworkError(error, authorityHost, 'AZURE_AUTHORITY_HOST');
}
