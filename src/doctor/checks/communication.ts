import { withDeadline } from '../../resilience/deadline';
import { ApiError } from '../../errors';
import { createAcsIdentityClient } from '../../acs/acsIdentityClient';
import type { Config } from '../../config/config';
import type { SettingName } from '../../config/settings';
import { createUpstream } from '../../resilience/upstream';
import { type FailureDetails, UpstreamError } from '../../resilience/upstreamError';
import { type Check, ok, problem, type Result, warning } from '../check';
import { explainNoManagedIdentity } from '../managedIdentity';
import { explainNetworkError } from '../network';
import type { DoctorContext } from '../context';
import { defaultTimings } from '../../timings';

/** An identity that no resource owns. Valid credentials get an ownership error, and the call has no side effect. */
const nonexistentIdentity = '8:acs:00000000-0000-0000-0000-000000000000_00000000-0000-0000-0000-000000000000';
const keysPage = 'Azure portal > your Communication Services resource > Keys';

/** Whether ACS accepts the access key or the managed identity. Creates and changes nothing. */
export function createCommunicationCheck({ config, log, callTimeLimitInMs }: DoctorContext): Check {
  const { communication } = config;
  const { endpoint } = communication;
  const withKey = communication.accessKey !== undefined;
  return {
    name: 'Communication Services',
    group: 'Communication Services',
    settings: [
      'COMMUNICATION_SERVICES_CONNECTION_STRING',
      'COMMUNICATION_SERVICES_ENDPOINT',
      'MANAGED_IDENTITY_CLIENT_ID',
      'AZURE_CLOUD',
    ],
    async run() {
      const acs = createAcsIdentityClient(
        communication,
        createUpstream({ name: 'Azure Communication Services', timings: defaultTimings.upstream, log }),
      );
      try {
        const result = await withDeadline(callTimeLimitInMs, undefined, (deadline) =>
          acs.issueToken(nonexistentIdentity, deadline),
        );
        return typeof result === 'string'
          ? ok(`${endpoint} accepts ${withKey ? 'the access key' : 'the managed identity'}`)
          : problem(`${endpoint} issued a token for an identity that does not exist`, `Check ${keysPage}.`);
      } catch (error) {
        if (!(error instanceof ApiError)) throw error;
        const noIdentity = withKey
          ? undefined
          : explainNoManagedIdentity(error, communication.workloadIdentity !== undefined);
        if (noIdentity) return noIdentity;
        if (error instanceof UpstreamError && error.details.status !== undefined)
          return explainError(error.details, endpoint, withKey);
        return explainNetworkError(error, endpoint, settingOfEndpoint(communication));
      }
    },
  };
}

/** The setting that contains the endpoint. */
export function settingOfEndpoint({ accessKey }: Config['communication']): SettingName {
  return accessKey === undefined
    ? 'COMMUNICATION_SERVICES_ENDPOINT'
    : 'COMMUNICATION_SERVICES_CONNECTION_STRING';
}

function explainError(
  { status = 0, code, message = '' }: FailureDetails,
  endpoint: string,
  withKey: boolean,
): Result {
  if (status === 429)
    return warning('is throttling requests, so the credential could not be checked', 'Try again later.');
  if (status >= 500) return problem(`is unavailable (HTTP ${status})`, 'Try again later.');
  if (/time difference|margin of \d+ minutes/i.test(message)) {
    return problem(
      "rejects the signature because this machine's clock is off by more than five minutes",
      'Synchronize the clock with NTP.',
    );
  }
  if (/content hash/i.test(message)) {
    return problem(
      'received a different body than the one that was signed',
      'A proxy changes requests: exclude this host from it.',
    );
  }
  if (status === 401 || status === 403) {
    return withKey
      ? problem(
          `${endpoint} does not accept the access key (${code ?? `HTTP ${status}`})`,
          `Copy the connection string again from ${keysPage}: endpoint and key must belong to the same resource, and the key may have been regenerated. A wrong clock has the same effect.`,
        )
      : problem(
          `${endpoint} does not accept the managed identity (${code ?? `HTTP ${status}`})`,
          'Give the identity the role Communication and Email Service Owner on the Communication Services resource, under Access control (IAM).',
        );
  }
  return problem(
    `${endpoint} does not respond like Communication Services (HTTP ${status}${code ? `, ${code}` : ''})`,
    `Compare the endpoint with ${keysPage}.`,
  );
}
