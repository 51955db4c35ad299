import type { GraphStoreConfig } from '../../config/identities';
import { decodeJwt } from '../../authentication/jwt';
import { type Check, ok, problem, skipped, warning } from '../check';
import { probe, explainNetworkError, type TimedReply } from '../network';
import { printable } from '../report';
import { readApplications } from './secretExpiry';
import type { DoctorContext } from '../context';

/** Microsoft Graph responds to a request without a token with 401. */
export function createGraphCheck(context: DoctorContext, { endpoint }: GraphStoreConfig): Check {
  return {
    name: 'Microsoft Graph',
    group: 'Microsoft Graph',
    settings: ['GRAPH_ENDPOINT', 'AZURE_CLOUD'],
    async run() {
      const url = `${endpoint}/v1.0/me`;
      let reply: TimedReply;
      try {
        reply = await probe(context, url);
      } catch (error) {
        return explainNetworkError(error, url, 'GRAPH_ENDPOINT');
      }
      if (reply.clockAheadInMs !== undefined)
        context.clocksAheadInMs.set('Microsoft Graph', reply.clockAheadInMs);
      if (reply.status === 401) return ok(`reachable at ${endpoint}`);
      return reply.status === 429 || reply.status >= 500
        ? problem(`is unavailable or throttles requests (HTTP ${reply.status})`, 'Try again later.')
        : problem(
            `${endpoint} does not respond like Microsoft Graph (HTTP ${reply.status})`,
            'Check GRAPH_ENDPOINT, and look for a proxy.',
          );
    },
  };
}

/**
 * What the application may do in Graph, as far as it can be seen without a user.
 *
 * @param graphToken the application's own token, once there is one
 */
export function createPermissionChecks(
  graphToken: () => string | undefined,
  needs: readonly Check[],
): Check[] {
  return [
    {
      name: 'application permissions',
      group: 'Microsoft Graph',
      needs,
      run() {
        const jwt = decodeJwt(graphToken() ?? '');
        if (!jwt) return skipped("the application's own token for Microsoft Graph cannot be read");
        const roles = Array.isArray(jwt.claims.roles) ? jwt.claims.roles.map(String) : [];
        const unneeded = roles.filter((role) => role !== readApplications);
        if (unneeded.length === 0 && roles.length > 0)
          return ok(`only ${readApplications}, which this doctor uses`);
        return unneeded.length > 0
          ? warning(
              `granted in Microsoft Graph, without a user: ${printable(unneeded.join(', '))}`,
              'Unless administrators are to erase users, which needs User.ReadWrite.All, remove them under App registrations > AuthServer > API permissions.',
            )
          : ok('none in Microsoft Graph, and none is needed');
      },
    },
    {
      name: 'delegated permission User.ReadWrite',
      group: 'Microsoft Graph',
      run: () =>
        skipped(
          'not checked: needs a user token',
          'Run npm run -s doctor -- --token - with an access token, or check App registrations > AuthServer > API permissions.',
        ),
    },
  ];
}
