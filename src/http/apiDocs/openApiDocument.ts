import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';

/** What openapi.yaml leaves open, since it differs from server to server. */
export interface OpenApiVariables {
  readonly authorityHost: string;
  readonly tenantId: string;
  readonly clientId: string;
}

/** Beside the folder of the source, and of the built files. */
const file = join(__dirname, '..', '..', '..', 'openapi.yaml');

/** openapi.yaml as JSON, with this server's sign-in addresses and scope filled in, and itself as the only server. */
export function readOpenApiJson({ authorityHost, tenantId, clientId }: OpenApiVariables): string {
  const text = readFileSync(file, 'utf8')
    .replaceAll('https://login.microsoftonline.com/{tenantId}/', `${authorityHost}/${tenantId}/`)
    .replaceAll('api://{clientId}/', `api://${clientId}/`);
  return JSON.stringify({ ...(parse(text) as object), servers: [{ url: '/' }] });
}
