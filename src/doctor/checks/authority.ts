import { z } from 'zod';
import { UpstreamError } from '../../resilience/upstreamError';
import { type Check, ok, problem, type Result, warning } from '../check';
import { explainRefusal, parseEntraError } from '../entraErrors';
import { ask, explainUnanswered, type TimedReply } from '../network';
import { shown } from '../report';
import type { Surroundings } from '../surroundings';

const document = z.looseObject({
  issuer: z.string(),
  jwks_uri: z.string(),
  token_endpoint: z.string(),
  id_token_signing_alg_values_supported: z.array(z.string()).optional(),
});

const proxyAdvice =
  'Something else answers in place of Microsoft Entra ID, such as a proxy or a sign-in page of the network: look at AZURE_AUTHORITY_HOST.';
const leastKeyBits = 2_048;

export interface AuthorityChecks {
  readonly metadata: Check;
  readonly v1Metadata: Check;
  readonly signingKeys: Check;
}

/** Whether the tenant's authority says who it is, and publishes keys that tokens can be verified with. */
export function createAuthorityChecks(surroundings: Surroundings): AuthorityChecks {
  const { authorityHost, tenantId } = surroundings.config.entra;

  /** @param unread what it means that there is no such document to be judged */
  async function read(path: string, unread = (result: Result): Result => result): Promise<Result> {
    const url = `${authorityHost}/${tenantId}/${path}.well-known/openid-configuration`;
    let reply: TimedReply;
    try {
      reply = await ask(surroundings.http, url, surroundings.now);
    } catch (error) {
      return unread(explainUnanswered(error, url, 'AZURE_AUTHORITY_HOST'));
    }
    if (reply.clockAheadInMs !== undefined)
      surroundings.clocksAheadInMs.set('Microsoft Entra ID', reply.clockAheadInMs);
    if (reply.status !== 200) {
      const { numbers, error } = parseEntraError(reply.text);
      return unread(explainRefusal(numbers, error, reply.status, authorityHost));
    }
    const parsed = document.safeParse(parseJson(reply.text));
    return parsed.success
      ? judgeDocument(parsed.data, tenantId)
      : unread(problem('the answer is no discovery document', proxyAdvice));
  }

  const metadata: Check = { name: 'Entra metadata v2', run: () => read('v2.0/') };
  return {
    metadata,
    v1Metadata: {
      name: 'Entra metadata v1',
      needs: [metadata],
      // The server goes on with the usual v1 issuer where it cannot read this one.
      run: () =>
        read('', ({ says, advice }) =>
          warning(`${says}; v1 tokens are accepted from the usual issuer only`, advice),
        ),
    },
    signingKeys: {
      name: 'Entra signing keys',
      needs: [metadata],
      async run() {
        try {
          const { signingKeys } = await surroundings.authority.metadata();
          const bits = [...signingKeys.values()].map((key) => key.asymmetricKeyDetails?.modulusLength ?? 0);
          if (bits.some((count) => count < leastKeyBits))
            return problem(`a key has fewer than ${leastKeyBits} bits`, proxyAdvice);
          return ok(`${signingKeys.size} for RS256`);
        } catch (error) {
          return explainKeys(error, authorityHost);
        }
      },
    },
  };
}

function judgeDocument(
  { issuer, id_token_signing_alg_values_supported: algorithms }: z.infer<typeof document>,
  tenantId: string,
): Result {
  if (!issuer.toLowerCase().includes(tenantId)) {
    return problem(`the issuer ${shown(issuer)} is not of the tenant in AZURE_TENANT_ID`, proxyAdvice);
  }
  if (algorithms && !algorithms.includes('RS256')) {
    return problem(`the authority signs with ${shown(algorithms)}, not with RS256`, proxyAdvice);
  }
  return ok(`issuer ${shown(issuer)}`);
}

function explainKeys(error: unknown, authorityHost: string): Result {
  if (!(error instanceof UpstreamError)) throw error;
  const { transportFailure: broken, status } = error.facts;
  if (status !== undefined) return explainRefusal([], undefined, status, authorityHost);
  if (broken === 'invalid_response')
    return problem('the answer holds no RSA key that can verify RS256 signatures', proxyAdvice);
  return explainUnanswered(error, authorityHost, 'AZURE_AUTHORITY_HOST');
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
