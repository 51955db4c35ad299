import { hash } from 'node:crypto';
import { createEntraUser, entraChallengeOptions } from '../../authentication/entra/entraProvider';
import type { GraphStoreConfig } from '../../config/identities';
import { createChallenges } from '../../authentication/challenge';
import type { DecodedJwt } from '../../authentication/jwt';
import { withDeadline } from '../../resilience/deadline';
import { ApiError } from '../../errors';
import { createExtensionClient } from '../../graph/extensionClient';
import { createSealedMappingFormat, type GraphMapping } from '../../identities/stores/graph/sealedMapping';
import { createMappingSeal } from '../../identities/stores/graph/mappingSeal';
import { createOboTokens } from '../../entra/oboTokens';
import { createUpstream } from '../../resilience/upstream';
import { UpstreamError } from '../../resilience/upstreamError';
import { type Check, ok, problem, type Result, warning } from '../check';
import { explainEntraError } from '../entraErrors';
import { explainNetworkError } from '../network';
import type { EntraDoctorContext } from '../context';
import { defaultTimings } from '../../timings';

/** What the server would do next with a valid access token: On-Behalf-Of, then reading the mapping. */
export function createOnBehalfOfChecks(
  context: EntraDoctorContext,
  graph: GraphStoreConfig,
  text: string,
  jwt: DecodedJwt,
  needs: readonly Check[],
): Check[] {
  const { callTimeLimitInMs } = context;
  const { oboTokens, extensions } = createClients(context, graph);
  const format = createSealedMappingFormat(createMappingSeal(graph.mappingKeys), graph.adoptUnsigned);
  const user = createEntraUser({
    jwt,
    accessToken: text,
    accessTokenHash: hash('sha256', text, 'base64url'),
  });

  const exchange: Check = {
    name: 'delegated permission User.ReadWrite',
    group: 'Token',
    needs,
    async run() {
      try {
        await withDeadline(callTimeLimitInMs, undefined, (deadline) =>
          oboTokens.getGraphToken(user, deadline),
        );
        return ok(
          'consented for this user: Microsoft Entra ID issues the server a token for Microsoft Graph On-Behalf-Of',
        );
      } catch (error) {
        return explain(error, context, graph);
      }
    },
  };
  const readMapping: Check = {
    name: 'identity mapping of this user',
    group: 'Token',
    needs: [exchange],
    async run() {
      try {
        const found = await withDeadline(callTimeLimitInMs, undefined, (deadline) =>
          extensions.find(user, deadline),
        );
        return describeMapping(found && format.parse(user, found).trust, graph.adoptUnsigned);
      } catch (error) {
        return explain(error, context, graph);
      }
    },
  };
  return [exchange, readMapping];
}

/** The server's own clients for a user's calls. */
function createClients(context: EntraDoctorContext, graph: GraphStoreConfig) {
  const { entra, authority, http, log, callTimeLimitInMs } = context;
  const challenges = createChallenges(entraChallengeOptions(entra));
  const oboTokens = createOboTokens({
    ...entra,
    credential: context.credential,
    log,
    authority,
    graphEndpoint: graph.endpoint,
    cacheSize: 1,
    http,
    upstream: createUpstream({ name: 'Microsoft Entra ID', timings: defaultTimings.upstream, log }),
    challenges,
    workTimeLimitInMs: callTimeLimitInMs,
  });
  const extensions = createExtensionClient({
    ...graph,
    oboTokens,
    http,
    upstream: createUpstream({ name: 'Microsoft Graph', timings: defaultTimings.upstream, log }),
    challenges,
  });
  return { oboTokens, extensions };
}

function explain(error: unknown, { entra }: EntraDoctorContext, graph: GraphStoreConfig): Result {
  const { authorityHost } = entra;
  if (error instanceof UpstreamError) {
    const { status, code = '' } = error.details;
    const ofEntra = error.upstream === 'Microsoft Entra ID';
    const [url, setting] = ofEntra
      ? ([authorityHost, 'AZURE_AUTHORITY_HOST'] as const)
      : ([graph.endpoint, 'GRAPH_ENDPOINT'] as const);
    if (status === undefined) return explainNetworkError(error, url, setting);
    if (!ofEntra) return problem(`Microsoft Graph returned HTTP ${status}`, 'Try again later.');
    const numbers = code.split(' ').map(Number).filter(Number.isSafeInteger);
    return explainEntraError(numbers, code.split(' ')[0], status, authorityHost);
  }
  if (error instanceof ApiError && error.code === 'upstream_timeout')
    return explainNetworkError(error, authorityHost, 'AZURE_AUTHORITY_HOST');
  if (error instanceof ApiError) {
    const detail = error.innererror?.code;
    return problem(
      `the server responds with ${error.status} ${error.code}${detail === undefined ? '' : ` (${detail})`}: ${error.message}`,
    );
  }
  throw error;
}

function describeMapping(trust: GraphMapping['trust'] | undefined, adoptUnsigned: boolean): Result {
  switch (trust) {
    case undefined:
      return ok('none yet: the first getToken creates it');
    case 'sealed':
      return ok('there is one, sealed with this IDENTITY_MAPPING_KEY');
    case 'previous_key':
      return ok('there is one, sealed with a previous key; the next getToken seals it with the current one');
    case 'unsigned':
      return adoptUnsigned
        ? ok('there is one without a seal, which the next getToken adopts')
        : warning(
            'there is one without a seal, as the original sample writes them: the server responds with 409 mapping_not_trusted',
            'Set IDENTITY_MAPPING_UNSIGNED=adopt while you adopt such users, or let the user call deleteUser.',
          );
    case 'broken':
      return problem(
        'there is one with an invalid seal: the server responds with 409 mapping_not_trusted',
        'If IDENTITY_MAPPING_KEY was changed, add the old key to its list. Otherwise the mapping was modified by someone else: the user can call deleteUser, which removes it, and start over.',
      );
  }
}
