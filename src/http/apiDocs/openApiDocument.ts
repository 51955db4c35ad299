import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';

/** The parts of openapi.yaml that differ from server to server. */
export interface OpenApiVariables {
  readonly authorityHost: string;
  readonly tenantId: string;
  readonly clientId: string;
}

/** At the root of the project or the package: above the sources, the built files and the bundle, which differ in depth. */
function findDocument(folder = __dirname): string {
  const file = join(folder, 'openapi.yaml');
  if (existsSync(file)) return file;
  if (dirname(folder) === folder) throw new Error('openapi.yaml is missing: it belongs in the project root');
  return findDocument(dirname(folder));
}

/**
 * openapi.yaml as JSON, with this server's sign-in addresses and scope, and itself as the only server. The parser is loaded here, since
 * most servers in production serve no documentation.
 */
export async function readOpenApiJson(variables: OpenApiVariables, serverPath: string): Promise<string> {
  const { authorityHost, tenantId, clientId } = variables;
  const [{ parse }, text] = await Promise.all([import('yaml'), readFile(findDocument(), 'utf8')]);
  const document = parse(
    text
      .replaceAll('https://login.microsoftonline.com/{tenantId}/', `${authorityHost}/${tenantId}/`)
      .replaceAll('api://{clientId}/', `api://${clientId}/`),
  ) as object;
  return JSON.stringify({ ...document, servers: [{ url: serverPath || '/' }] });
}
