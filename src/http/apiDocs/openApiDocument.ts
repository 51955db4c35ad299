import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

/** The parts of openapi.yaml that differ from server to server. */
export interface OpenApiVariables {
  readonly authorityHost: string;
  readonly tenantId: string;
  readonly clientId: string;
}

/** At the root of the project, above both the sources and the built files. */
const file = join(__dirname, '..', '..', '..', 'openapi.yaml');

/**
 * openapi.yaml as JSON, with this server's sign-in addresses and scope, and itself as the only server. The parser is loaded here, since
 * most servers in production serve no documentation.
 */
export async function readOpenApiJson(variables: OpenApiVariables, serverPath: string): Promise<string> {
  const { authorityHost, tenantId, clientId } = variables;
  const [{ parse }, text] = await Promise.all([import('yaml'), readFile(file, 'utf8')]);
  const document = parse(
    text
      .replaceAll('https://login.microsoftonline.com/{tenantId}/', `${authorityHost}/${tenantId}/`)
      .replaceAll('api://{clientId}/', `api://${clientId}/`),
  ) as object;
  return JSON.stringify({ ...document, servers: [{ url: serverPath || '/' }] });
}
