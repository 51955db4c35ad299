import { z } from 'zod';
import { connectionStringParts, isLoopback, parseUrl } from './formats';

/** A table service and the key of its account. */
export interface TableConnection {
  /** Without a slash at the end. */
  readonly endpoint: string;
  readonly accountName: string;
  readonly accountKey: string;
}

/** The account of Azurite and of older emulators: its key is public. */
export const developmentAccount: TableConnection = {
  endpoint: 'http://127.0.0.1:10002/devstoreaccount1',
  accountName: 'devstoreaccount1',
  accountKey: 'Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==',
};

/** On an emulator the path is the account's name; services in Azure have no path. */
function serviceUrl(text: string): string | undefined {
  const url = parseUrl(text);
  if (!url || url.search || url.hash || url.username) return undefined;
  const allowed = isLoopback(url)
    ? url.protocol === 'https:' || url.protocol === 'http:'
    : url.protocol === 'https:' && url.pathname === '/';
  return allowed ? url.href.replace(/\/$/, '') : undefined;
}

/** For a connection string that does not name the cloud of its account. */
export function withEndpointSuffix(text: string, suffix: string): string {
  return /(^|;)\s*(endpointsuffix|tableendpoint|usedevelopmentstorage)\s*=/i.test(text)
    ? text
    : `${text};EndpointSuffix=${suffix}`;
}

function parseConnection(text: string): TableConnection | undefined {
  const parts = connectionStringParts(text);
  if (parts.get('usedevelopmentstorage')?.toLowerCase() === 'true') return developmentAccount;
  const accountName = parts.get('accountname') ?? '';
  const accountKey = parts.get('accountkey') ?? '';
  if (!/^[a-z0-9-]{3,44}$/.test(accountName) || !/^[A-Za-z0-9+/]+={0,2}$/.test(accountKey)) return undefined;
  const protocol = parts.get('defaultendpointsprotocol') ?? 'https';
  const suffix = parts.get('endpointsuffix') ?? 'core.windows.net';
  const endpoint = serviceUrl(parts.get('tableendpoint') ?? `${protocol}://${accountName}.table.${suffix}`);
  return endpoint === undefined ? undefined : { endpoint, accountName, accountKey };
}

/**
 * The forms that Azure Storage and Cosmos DB's Table API show in the portal. A shared access signature is rejected: when it expires, the
 * server stops working for everyone at the same time.
 */
export const tableConnectionString = z.string().transform((text, context): TableConnection => {
  const connection = parseConnection(text);
  if (connection) return connection;
  context.addIssue('not a connection string with an account key');
  return z.NEVER;
});

/** For a managed identity, whose tokens are never sent without TLS. */
export const tableEndpoint = z.string().transform((text, context): string => {
  const endpoint = serviceUrl(text);
  if (endpoint?.startsWith('https:')) return endpoint;
  context.addIssue('not an endpoint');
  return z.NEVER;
});
