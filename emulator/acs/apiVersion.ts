import { type Call, header } from '../http/exchange';
import { AcsError } from './errors';

const apiVersions = [
  '2021-03-07',
  '2022-06-01',
  '2022-10-01',
  '2023-10-01',
  '2025-03-02-preview',
  '2025-04-01-preview',
  '2025-06-30',
  '2026-07-22',
] as const;

export type ApiVersion = (typeof apiVersions)[number];

/** Only the preview versions have `customId` and related fields; the stable versions after them do not. */
export function isPreview(version: ApiVersion): boolean {
  return version.endsWith('-preview');
}

/** The versions with an operation; `since` is the first of them. */
export function versionsSince(since: ApiVersion | 'preview'): ApiVersion[] {
  return apiVersions.filter((version) => (since === 'preview' ? isPreview(version) : version >= since));
}

/** The version that the call requests, which is required. */
export function checkApiVersion(call: Call, supported: ApiVersion[]): ApiVersion {
  const requested = call.query.get('api-version');
  const version = supported.find((candidate) => candidate === requested);
  if (version !== undefined) return version;
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
