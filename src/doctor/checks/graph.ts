import { decodeJwt } from '../../authentication/jwt';
import { type Check, ok, problem, skipped, warning } from '../check';
import { ask, explainUnanswered, type TimedReply } from '../network';
import { shown } from '../report';
import type { Surroundings } from '../surroundings';

/** Graph turns a caller without a token away with 401: that is how one knows it. */
export function createGraphCheck(surroundings: Surroundings): Check {
  const { endpoint } = surroundings.config.graph;
  return {
    name: 'Microsoft Graph',
    async run() {
      const url = `${endpoint}/v1.0/me`;
      let reply: TimedReply;
      try {
        reply = await ask(surroundings.http, url, surroundings.now);
      } catch (error) {
        return explainUnanswered(error, url, 'GRAPH_ENDPOINT');
      }
      if (reply.clockAheadInMs !== undefined)
        surroundings.clocksAheadInMs.set('Microsoft Graph', reply.clockAheadInMs);
      if (reply.status === 401) return ok(`reachable at ${endpoint}`);
      return reply.status === 429 || reply.status >= 500
        ? problem(`has a fault or limits us at the moment (HTTP ${reply.status})`, 'Try again later.')
        : problem(
            `${endpoint} does not answer as Microsoft Graph does (HTTP ${reply.status})`,
            'Look at GRAPH_ENDPOINT, and for a proxy in between.',
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
      needs,
      run() {
        const jwt = decodeJwt(graphToken() ?? '');
        if (!jwt) return skipped("the application's own token for Microsoft Graph cannot be read");
        const { roles } = jwt.claims;
        return Array.isArray(roles) && roles.length > 0
          ? warning(
              `in Microsoft Graph it may, without any user: ${shown(roles.join(', '))}`,
              'This server acts for signed-in users only and needs none of them: remove them under App registrations > AuthServer > API permissions.',
            )
          : ok('none in Microsoft Graph, and none is needed: the server acts for signed-in users');
      },
    },
    {
      name: 'delegated permission User.ReadWrite',
      run: () =>
        skipped(
          "cannot be seen without a user: an application's own token does not name delegated permissions",
          "See that it is listed with consent under App registrations > AuthServer > API permissions; a user's access token proves it: npm run -s doctor -- --token -",
        ),
    },
  ];
}
