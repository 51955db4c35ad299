import { ConfidentialClientApplication, type NetworkResponse } from '@azure/msal-node';
import type { GraphStoreConfig } from '../../config/identities';
import { HttpError, type HttpRequest } from '../../resilience/httpClient';
import { type Check, ok, problem, type Result } from '../check';
import { explainEntraError, parseEntraError } from '../entraErrors';
import { callTimeLimitInMs, explainNetworkError } from '../network';
import type { DoctorContext, EntraDoctorContext } from '../context';

/** Signs in as the application itself, which changes nothing anywhere; `accept` gets its token for Microsoft Graph. */
export function createClientCredentialCheck(
  context: EntraDoctorContext,
  graph: GraphStoreConfig,
  needs: readonly Check[],
  accept: (graphToken: string) => void = () => undefined,
): Check {
  const { entra } = context;
  return {
    name: 'client secret',
    needs,
    async run() {
      const { discovery } = await context.authority.metadata();
      const wire = createWire(context);
      const client = new ConfidentialClientApplication({
        auth: {
          clientId: entra.clientId,
          clientSecret: entra.clientSecret ?? '',
          authority: `${entra.authorityHost}/${entra.tenantId}`,
          knownAuthorities: [new URL(entra.authorityHost).host],
          authorityMetadata: JSON.stringify(discovery),
        },
        system: { networkClient: wire.networkClient },
      });
      try {
        const result = await client.acquireTokenByClientCredential({
          scopes: [`${graph.endpoint}/.default`],
        });
        if (!result) throw new Error('no result');
        accept(result.accessToken);
        return ok('Microsoft Entra ID accepts it');
      } catch {
        return wire.explain(entra.authorityHost);
      }
    },
  };
}

/** MSAL's errors lose the HTTP status and the cause of a broken connection, so both are kept here. */
function createWire({ http }: DoctorContext) {
  let describePassed: { status: number; text: string } | undefined;
  let failure: unknown;

  async function send<T>(url: string, request: Omit<HttpRequest, 'signal'>): Promise<NetworkResponse<T>> {
    try {
      const reply = await http.send(url, { ...request, signal: AbortSignal.timeout(callTimeLimitInMs) });
      describePassed = reply;
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
      if (describePassed && describePassed.status >= 400) {
        const { numbers, error } = parseEntraError(describePassed.text);
        return explainEntraError(numbers, error, describePassed.status, authorityHost);
      }
      return problem(
        'the token endpoint returned an invalid response',
        'Another server responds instead of Microsoft Entra ID, such as a proxy: check AZURE_AUTHORITY_HOST.',
      );
    },
  };
}
