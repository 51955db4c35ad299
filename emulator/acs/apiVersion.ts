import { type Call, header, NotEmulated } from '../http/exchange';
import { AcsError } from './errors';

const apiVersions = [
  '2021-02-22-preview1',
  '2021-03-07',
  '2021-10-31-preview',
  '2021-11-01',
  '2022-06-01',
  '2022-10-01',
  '2023-08-01',
  '2023-10-01',
  '2025-03-02-preview',
  '2025-04-01-preview',
  '2025-06-30',
  '2026-07-22',
] as const;

export type ApiVersion = (typeof apiVersions)[number];

/** The first version has other operations. */
const otherOperations = '2020-07-20-preview2';

export const everyVersion = (): boolean => true;

/** Only these previews have `customId` and related fields; the stable versions after them do not. */
export function hasCustomId(version: ApiVersion): boolean {
  return version >= '2025-03-02-preview' && version.endsWith('-preview');
}

export function hasTeamsExchange(version: ApiVersion): boolean {
  return version >= '2021-10-31-preview' && version !== '2021-11-01';
}

export function versionsOf(operation: (version: ApiVersion) => boolean): ApiVersion[] {
  return apiVersions.filter(operation);
}

/** The version that the call requests, which is required. */
export function checkApiVersion(call: Call, supported: ApiVersion[]): ApiVersion {
  const requested = call.query.get('api-version');
  const version = supported.find((candidate) => candidate === requested);
  if (version !== undefined) return version;
  if (requested === otherOperations) throw new NotEmulated(`The API version ${otherOperations} of ACS`);
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
