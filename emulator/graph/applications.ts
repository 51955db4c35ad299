import { type Call, NotEmulated, type Reply } from '../http/exchange';
import { type EmulatorContext } from '../context';
import { type GraphCaller } from './bearer';
import { GraphError } from './errors';
import { queryOptions } from './queryOptions';
import { graphReply } from './reply';

const sufficient = ['Application.Read.All', 'Application.ReadWrite.All', 'Directory.Read.All'];

/** Finds a registration by client id. Returns only metadata of its secrets, never a secret itself. */
export function listApplications(context: EmulatorContext, call: Call, caller: GraphCaller): Reply {
  if (![...caller.scopes, ...caller.roles].some((permission) => sufficient.includes(permission))) {
    throw new GraphError(
      403,
      'Authorization_RequestDenied',
      'Insufficient privileges to complete the operation.',
    );
  }
  const options = queryOptions(call);
  const [, clientId] = /^appId eq '([^']+)'$/.exec(options.get('$filter') ?? '') ?? [];
  if (clientId === undefined || options.get('$select') !== 'passwordCredentials') {
    throw new NotEmulated('GET /applications other than for the secrets of one client id');
  }
  return graphReply(call, 200, {
    '@odata.context': `${context.names.graph(call)}/v1.0/$metadata#applications(passwordCredentials)`,
    value: [{ passwordCredentials: context.directory.applications.describeSecrets(clientId) }],
  });
}
