import type { NetworkResponse } from '@azure/msal-node';
import type { ClientCredentialConfig } from '../../config/credentials';
import type { GraphStoreConfig } from '../../config/identities';
import type { MsalCredential } from '../../entra/clientCredential/clientCredential';
import { createMsalClient } from '../../entra/msalClient';
import { withDeadline } from '../../resilience/deadline';
import { HttpError, type HttpRequest } from '../../resilience/httpClient';
import { UpstreamError } from '../../resilience/upstreamError';
import { type Check, ok, problem, type Result } from '../check';
import type { EntraDoctorContext } from '../context';
import { explainCredentialError } from '../credentialErrors';
import { explainEntraError, parseEntraError } from '../entraErrors';
import { explainNoManagedIdentity } from '../managedIdentity';
import { explainNetworkError } from '../network';
import { checkCertificate } from './clientCertificate';

const names: Readonly<Record<ClientCredentialConfig['kind'], string>> = {
  secret: 'client secret',
  certificate: 'client certificate',
  managed_identity: 'client assertion',
  token_file: 'client assertion',
};

/** Signs in as the application itself, which has no side effect. `accept` gets the token for Microsoft Graph. */
export function createClientCredentialCheck(
  context: EntraDoctorContext,
  graph: GraphStoreConfig,
  needs: readonly Check[],
  accept: (graphToken: string) => void = () => undefined,
): Check {
  const { credential } = context.entra;
  return {
    name: names[credential?.kind ?? 'secret'],
    group: 'Identity provider',
    settings: [
      'AZURE_CLIENT_ID',
      'AZURE_CLIENT_SECRET',
      'AZURE_CLIENT_CERTIFICATE_PATH',
      'AZURE_CLIENT_ASSERTION',
      'AZURE_FEDERATED_TOKEN_FILE',
      'GRAPH_ENDPOINT',
    ],
    needs,
    async run() {
      const found =
        credential?.kind === 'certificate'
          ? await checkCertificate(credential.path, context.now())
          : undefined;
      if (found?.status === 'problem') return found;
      let proof: MsalCredential;
      try {
        proof = await withDeadline(context.callTimeLimitInMs, undefined, (deadline) =>
          context.credential.forMsal(deadline),
        );
      } catch (error) {
        return explainNoAssertion(error, credential);
      }
      const signIn = await trySignIn(context, graph, proof, accept);
      return found ? [found, ...(signIn.status === 'ok' ? [] : [signIn])] : signIn;
    },
  };
}

async function trySignIn(
  context: EntraDoctorContext,
  graph: GraphStoreConfig,
  proof: MsalCredential,
  accept: (graphToken: string) => void,
): Promise<Result> {
  const { entra } = context;
  const { discovery } = await context.authority.metadata();
  const wire = createWire(context);
  try {
    const { networkClient } = wire;
    const client = await createMsalClient({ ...entra, proof, discovery, networkClient });
    const result = await client.acquireTokenByClientCredential({
      scopes: [`${graph.endpoint}/.default`],
    });
    if (!result) throw new Error('no result');
    accept(result.accessToken);
    return ok('Microsoft Entra ID accepts it');
  } catch {
    return wire.explain(entra.authorityHost);
  }
}

/** The server would have no assertion to send to Entra ID. */
function explainNoAssertion(error: unknown, credential: ClientCredentialConfig | undefined): Result {
  if (!(error instanceof UpstreamError)) throw error;
  if (credential?.kind === 'token_file') {
    return problem(
      'the file in AZURE_FEDERATED_TOKEN_FILE has no token that is still valid',
      'The webhook of Microsoft Entra Workload ID mounts it into pods with the label azure.workload.identity/use: "true". Check that it is readable.',
    );
  }
  const noIdentity = explainNoManagedIdentity(error, false);
  if (!noIdentity) throw error;
  return noIdentity;
}

/** MSAL's errors lose the HTTP status and the cause of a broken connection, so both are kept here. */
function createWire({ http, credential, callTimeLimitInMs }: EntraDoctorContext) {
  let lastReply: { status: number; text: string } | undefined;
  let failure: unknown;

  async function send<T>(url: string, request: Omit<HttpRequest, 'signal'>): Promise<NetworkResponse<T>> {
    try {
      const reply = await http.send(url, { ...request, signal: AbortSignal.timeout(callTimeLimitInMs) });
      lastReply = reply;
      return { status: reply.status, headers: reply.headers, body: JSON.parse(reply.text) as T };
    } catch (error) {
      failure = error;
      throw error;
    }
  }

  return {
    networkClient: {
      sendGetRequestAsync: <T>(url: string, options?: { headers?: Record<string, string> }) =>
        send<T>(url, { method: 'GET', headers: options?.headers ?? {} }),
      sendPostRequestAsync: <T>(url: string, options?: { headers?: Record<string, string>; body?: string }) =>
        send<T>(url, { method: 'POST', headers: options?.headers ?? {}, body: options?.body }),
    },
    explain(authorityHost: string): Result {
      if (failure instanceof HttpError)
        return explainNetworkError(failure, authorityHost, 'AZURE_AUTHORITY_HOST');
      if (lastReply && lastReply.status >= 400) {
        const { numbers, error } = parseEntraError(lastReply.text);
        return (
          explainCredentialError(numbers, credential.describe()) ??
          explainEntraError(numbers, error, lastReply.status, authorityHost)
        );
      }
      return problem(
        'the token endpoint returned an invalid response',
        'Another server responds instead of Microsoft Entra ID, such as a proxy: check AZURE_AUTHORITY_HOST.',
      );
    },
  };
}
