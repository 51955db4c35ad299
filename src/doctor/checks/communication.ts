import { withDeadline } from '../../resilience/deadline';
import type { Environment } from '../../config/config';
import { ApiError } from '../../errors';
import { createAcsIdentityClient } from '../../acs/acsIdentityClient';
import { createUpstream } from '../../resilience/upstream';
import { type FailureFacts, UpstreamError } from '../../resilience/upstreamError';
import { type Check, ok, problem, type Result, skipped, warning } from '../check';
import { callTimeLimitInMs, explainUnanswered } from '../network';
import type { Surroundings } from '../surroundings';
import { defaultTimings } from '../../timings';

/** An identity that no resource owns: whoever is let in is told so, and nothing comes of it. */
const nobodysIdentity = '8:acs:00000000-0000-0000-0000-000000000000_00000000-0000-0000-0000-000000000000';
const keysPage = 'Azure portal > your Communication Services resource > Keys';

/** Whether ACS accepts our access key, or our managed identity; creates and changes nothing. */
export function createCommunicationCheck({ config, log }: Surroundings, environment: Environment): Check {
  const { communication } = config;
  const { endpoint } = communication;
  const withKey = communication.accessKey !== undefined;
  return {
    name: 'Communication Services',
    async run() {
      const acs = createAcsIdentityClient(
        communication,
        createUpstream({ name: 'Azure Communication Services', timings: defaultTimings.upstream, log }),
      );
      try {
        const answer = await withDeadline(callTimeLimitInMs, undefined, (deadline) =>
          acs.issueToken(nobodysIdentity, deadline),
        );
        return typeof answer === 'string'
          ? ok(`${endpoint} accepts ${withKey ? 'the access key' : 'the managed identity'}`)
          : problem(`${endpoint} issued a token for an identity that is nobody's`, `Look at ${keysPage}.`);
      } catch (error) {
        if (!(error instanceof ApiError)) throw error;
        if (error instanceof UpstreamError && error.facts.status !== undefined)
          return explainAnswer(error.facts, endpoint, withKey);
        const inAzure = environment.IDENTITY_ENDPOINT !== undefined;
        if (!withKey && !inAzure) {
          return skipped(
            'the managed identity can only be tried where the server runs',
            'Run the doctor there: node dist/doctor/main.js',
          );
        }
        const setting = withKey
          ? 'COMMUNICATION_SERVICES_CONNECTION_STRING'
          : 'COMMUNICATION_SERVICES_ENDPOINT';
        return explainUnanswered(error, endpoint, setting);
      }
    },
  };
}

function explainAnswer(
  { status = 0, code, message = '' }: FailureFacts,
  endpoint: string,
  withKey: boolean,
): Result {
  if (status === 429)
    return warning(
      'is limiting requests at the moment, so that the key could not be tried',
      'Try again later.',
    );
  if (status >= 500) return problem(`has a fault at the moment (HTTP ${status})`, 'Try again later.');
  if (/time difference|margin of \d+ minutes/i.test(message)) {
    return problem(
      "refuses the signature because this machine's clock differs from its own by more than five minutes",
      'Let the machine set its clock by the network (NTP).',
    );
  }
  if (/content hash/i.test(message)) {
    return problem(
      'got another body than the one that was signed',
      'Something on the way, such as a proxy, changes requests: let it leave these alone.',
    );
  }
  if (status === 401 || status === 403) {
    return withKey
      ? problem(
          `${endpoint} does not accept the access key (${code ?? `HTTP ${status}`})`,
          `Copy the connection string again from ${keysPage}: endpoint and key must be of the same resource, and the key may have been regenerated. A clock that is off looks the same.`,
        )
      : problem(
          `${endpoint} does not accept the managed identity (${code ?? `HTTP ${status}`})`,
          'Give the identity the role Contributor on the Communication Services resource, under Access control (IAM).',
        );
  }
  return problem(
    `${endpoint} does not answer as Communication Services does (HTTP ${status}${code ? `, ${code}` : ''})`,
    `Compare the endpoint with ${keysPage}.`,
  );
}
