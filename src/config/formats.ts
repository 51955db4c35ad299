import { z } from 'zod';

export function parseUrl(text: string): URL | undefined {
  return URL.canParse(text) ? new URL(text) : undefined;
}

export const guid = z
  .string()
  .regex(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i)
  .toLowerCase();
export const list = z.string().transform((text) =>
  text
    .split(',')
    .map((item) => item.trim())
    .filter(Boolean),
);
export const wholeNumber = (min: number, max: number) =>
  z.string().regex(/^\d+$/).transform(Number).pipe(z.number().min(min).max(max));

export const httpsOrigin = z.string().transform((text, context) => {
  const url = parseUrl(text);
  if (url?.protocol === 'https:' && url.pathname === '/' && !url.search && !url.hash && !url.username) {
    return url.origin;
  }
  context.addIssue('not an https origin');
  return z.NEVER;
});

/** An origin as browsers send it, or a word for several: `*` for all, `loopback` for those on this machine. */
export const isAllowedOrigin = (text: string) =>
  text === '*' || text === 'loopback' || parseUrl(text)?.origin === text;

export const isLoopback = ({ hostname }: URL) => ['localhost', '127.0.0.1', '[::1]'].includes(hostname);

function resourceOrigin(text: string): string | undefined {
  const url = parseUrl(text);
  const secure = url?.protocol === 'https:' || (url?.protocol === 'http:' && isLoopback(url));
  return url && secure && url.pathname === '/' && !url.search ? url.origin : undefined;
}

/** The values of an Azure connection string by their names, in lower case. */
export function connectionStringParts(text: string): ReadonlyMap<string, string> {
  return new Map(
    text.split(';').map((part): [string, string] => {
      const [name = '', ...value] = part.split('=');
      return [name.trim().toLowerCase(), value.join('=').trim()];
    }),
  );
}

export const connectionString = z.string().transform((text, context) => {
  const parts = connectionStringParts(text);
  const endpoint = resourceOrigin(parts.get('endpoint') ?? '');
  const accessKey = parts.get('accesskey') ?? '';
  if (endpoint && /^[A-Za-z0-9+/]+={0,2}$/.test(accessKey)) return { endpoint, accessKey };
  context.addIssue('not a connection string');
  return z.NEVER;
});

export const resourceEndpoint = z.string().transform((text, context) => {
  const endpoint = resourceOrigin(text);
  if (endpoint) return endpoint;
  context.addIssue('not an endpoint');
  return z.NEVER;
});

export const minMappingKeyBytes = 32;

/** The first key seals mappings; all verify them. */
export type MappingKeys = readonly [Buffer, ...Buffer[]];

export const mappingKeys = list.transform((texts, context): MappingKeys => {
  const [first, ...others] = texts.map((text) => Buffer.from(text, 'base64'));
  const wellFormed =
    texts.every((text) => /^[A-Za-z0-9+/]+={0,2}$/.test(text)) &&
    [first, ...others].every((key) => key && key.length >= minMappingKeyBytes) &&
    new Set(texts).size === texts.length;
  if (first && wellFormed) return [first, ...others];
  context.addIssue('not a list of distinct keys in base64');
  return z.NEVER;
});

export const communicationScope = z.enum(['chat', 'voip', 'chat.join', 'chat.join.limited', 'voip.join']);
