import { readFile } from 'node:fs/promises';
import { isEntra, type ProviderConfig } from '../../config/providers';
import { onDemand } from '../../loadOnDemand';
import { findProjectFile } from '../../projectFile';

/** The parts of openapi.yaml that differ from server to server. */
export interface OpenApiVariables {
  /** Where the page can sign a user in; absent: an access token is pasted. */
  readonly signIn: ApiSignIn | undefined;
  /** Whether users of Microsoft Entra ID call, who alone can exchange Teams tokens. */
  readonly teamsExchange: boolean;
}

export interface ApiSignIn {
  readonly authorityHost: string;
  readonly tenantId: string;
  readonly clientId: string;
}

export function openApiVariablesOf(providers: readonly ProviderConfig[]): OpenApiVariables {
  // Both have endpoints of the same form.
  const signIn = providers.find((provider) => provider.kind === 'entra' || provider.kind === 'external_id');
  return { signIn, teamsExchange: providers.some(isEntra) };
}

/** The parts that are left out if they do not apply. */
interface OpenApiDocument {
  paths: Record<string, unknown>;
  security: readonly object[];
  components: { securitySchemes: Record<string, unknown> };
}

/** Most servers in production serve no documentation. */
const loadParser = onDemand(() => require('yaml') as typeof import('yaml'));

const teamsPaths = ['/exchangeToken', '/api/token/teams'];

/**
 * openapi.yaml as JSON, with this server's sign-in addresses and scope, and itself as the only server.
 */
export async function readOpenApiJson(
  { signIn, teamsExchange }: OpenApiVariables,
  serverPath: string,
): Promise<string> {
  const [{ parse }, text] = await Promise.all([
    loadParser(),
    readFile(findProjectFile('openapi.yaml'), 'utf8'),
  ]);
  const document = parse(signIn ? withSignIn(text, signIn) : text) as OpenApiDocument;
  if (!teamsExchange) document.paths = without(document.paths, teamsPaths);
  if (!signIn) {
    const { securitySchemes } = document.components;
    document.components.securitySchemes = without(securitySchemes, ['entra']);
    document.security = document.security.filter((requirement) => !('entra' in requirement));
  }
  return JSON.stringify({ ...document, servers: [{ url: serverPath || '/' }] });
}

function withSignIn(text: string, { authorityHost, tenantId, clientId }: ApiSignIn): string {
  return text
    .replaceAll('https://login.microsoftonline.com/{tenantId}/', `${authorityHost}/${tenantId}/`)
    .replaceAll('api://{clientId}/', `api://${clientId}/`);
}

function without(object: Record<string, unknown>, names: readonly string[]): Record<string, unknown> {
  return Object.fromEntries(Object.entries(object).filter(([name]) => !names.includes(name)));
}
