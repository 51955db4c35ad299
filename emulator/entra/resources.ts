import { authServer } from '../seed';
import { graphAudiences, teamsAppId, teamsAudience } from '../tokens/audiences';

/** What users' access tokens are for. */
export type ResourceName = 'api' | 'graph' | 'teams';

/** Every permission of a user that each resource has. */
export const permissions: Record<ResourceName, readonly string[]> = {
  api: ['access_as_user'],
  graph: ['User.Read', 'User.ReadWrite', 'User.ReadWrite.All'],
  teams: ['Teams.ManageCalls', 'Teams.ManageChats'],
};

/** The identifiers of each resource. Graph's host is the emulator, under any of its names. */
export function findResource(identifier: string, url: string): ResourceName | undefined {
  const { port } = new URL(url);
  const ownUrls = ['localhost', '127.0.0.1', '[::1]'].map((host) => `https://${host}:${port}`);
  if ([authServer.appIdUri, authServer.clientId].includes(identifier)) return 'api';
  if ([...graphAudiences, ...ownUrls].includes(identifier)) return 'graph';
  if ([teamsAudience, teamsAppId].includes(identifier)) return 'teams';
  return undefined;
}
