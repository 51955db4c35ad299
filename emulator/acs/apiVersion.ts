import { type Call, header } from '../http/exchange';
import { AcsError } from './errors';

export const apiVersions = [
  '2021-03-07',
  '2022-06-01',
  '2022-10-01',
  '2023-10-01',
  '2025-03-02-preview',
  '2025-04-01-preview',
  '2025-06-30',
] as const;

export type ApiVersion = (typeof apiVersions)[number];

/** Only the preview versions have `customId` and related fields; the stable version after them does not. */
export function isPreview(version: ApiVersion): boolean {
  return version.endsWith('-preview');
}

/** The version that the call requests, which is required; `since` is the first version with the operation. */
export function checkApiVersion(call: Call, since: ApiVersion | 'preview'): ApiVersion {
  const requested = call.query.get('api-version');
  const version = apiVersions.find((candidate) => candidate === requested);
  if (version !== undefined && (since === 'preview' ? isPreview(version) : version >= since)) return version;
  const address = `https://${header(call, 'host') ?? ''}${call.path}`;
  if (requested === null) {
    throw new AcsError(400, 'ApiVersionUnspecified', 'An API version is required, but was not specified.');
  }
  throw new AcsError(
    400,
    'UnsupportedApiVersion',
    `The HTTP resource that matches the request URI '${address}' does not support the API version '${requested}'.`,
  );
}
