import {
  ClientAssertionCredential,
  ClientCertificateCredential,
  ClientSecretCredential,
  ManagedIdentityCredential,
} from '@azure/identity';
import { CommunicationIdentityClient } from '@azure/communication-identity';
import { ConfidentialClientApplication } from '@azure/msal-node';
import { Client } from '@microsoft/microsoft-graph-client';
import { ConfidentialClientApplication as FirstConfidentialClientApplication } from 'msal-node-1';

/** The input of this process: JSON in its first argument. */
export interface ClientParts {
  tenantId: string;
  clientId: string;
  clientSecret: string;
  certificate: string;
  privateKey: string;
  sha1: string;
  sha256: string;
  federatedToken: string;
  userToken: string;
  teams: { token: string; clientId: string; userObjectId: string };
  connectionString: string;
  communicationEndpoint: string;
}

export type Outcome = { value: unknown } | { error: string };

/** What both generations of MSAL have in common. */
interface OnBehalfOfClient {
  acquireTokenOnBehalfOf(request: {
    oboAssertion: string;
    scopes: string[];
  }): Promise<{ accessToken: string } | null>;
}

const parts = JSON.parse(process.argv[2] ?? '{}') as ClientParts;
const { tenantId, clientId, clientSecret, privateKey } = parts;
const authority = `https://login.microsoftonline.com/${tenantId}`;
const graphScope = 'https://graph.microsoft.com/.default';
const extensionName = 'com.contoso.identityMapping';

const msal = (credential: object) =>
  new ConfidentialClientApplication({ auth: { clientId, authority, ...credential } });
const firstMsal = (credential: object) =>
  new FirstConfidentialClientApplication({ auth: { clientId, authority, ...credential } });
const onBehalfOf = async (client: OnBehalfOfClient, scope = 'user.read'): Promise<string> =>
  (await client.acquireTokenOnBehalfOf({ oboAssertion: parts.userToken, scopes: [scope] }))?.accessToken ??
  '';
const graph = (token: string): Client => Client.init({ authProvider: (done) => done(null, token) });
const identity = () => new CommunicationIdentityClient(parts.connectionString);

/** Real clients with the hosts of the public cloud, and no setting that redirects them. */
const cases: Record<string, () => Promise<unknown>> = {
  'msal-node 1, secret': () => onBehalfOf(firstMsal({ clientSecret })),
  'msal-node 1, certificate': () =>
    onBehalfOf(firstMsal({ clientCertificate: { thumbprint: parts.sha1, privateKey } })),
  'msal-node, secret': () => onBehalfOf(msal({ clientSecret })),
  'msal-node, certificate': () =>
    onBehalfOf(msal({ clientCertificate: { thumbprintSha256: parts.sha256, privateKey } })),
  'msal-node, federated': () => onBehalfOf(msal({ clientAssertion: parts.federatedToken })),
  'identity, client secret': async () =>
    (await new ClientSecretCredential(tenantId, clientId, clientSecret).getToken(graphScope)).token,
  'identity, client certificate': async () => {
    const certificate = `${parts.certificate}\n${privateKey}`;
    return (await new ClientCertificateCredential(tenantId, clientId, { certificate }).getToken(graphScope))
      .token;
  },
  'identity, client assertion': async () => {
    const credential = new ClientAssertionCredential(tenantId, clientId, () =>
      Promise.resolve(parts.federatedToken),
    );
    return (await credential.getToken(graphScope)).token;
  },
  'graph-client': async () => {
    const me: unknown = await graph(await onBehalfOf(msal({ clientSecret })))
      .api('/me')
      .get();
    return me;
  },
  'identity, managed identity': async () =>
    (await new ManagedIdentityCredential().getToken('https://communication.azure.com/.default')).token,
  'communication-identity, managed identity': () =>
    new CommunicationIdentityClient(
      parts.communicationEndpoint,
      new ManagedIdentityCredential(),
    ).createUser(),
  'communication-identity, connection string': () => identity().createUser(),
  discovery: async () => {
    const response = await fetch(`${authority}/v2.0/.well-known/openid-configuration`);
    return await response.json();
  },
  'discovery under another name': async () => {
    const response = await fetch(`https://login.windows.net/${tenantId}/.well-known/openid-configuration`);
    return await response.json();
  },
  'another service’s operation': async () =>
    (await fetch('https://login.microsoftonline.com/v1.0/me')).status,
  'control interface': async () => (await fetch('https://graph.microsoft.com/_emulator/')).status,
  'flow of the sample': sampleFlow,
};

/** The flow of the public sample, with its SDK calls and its scopes: user.read, although it writes. */
async function sampleFlow(): Promise<unknown> {
  const client = graph(await onBehalfOf(firstMsal({ clientSecret })));
  const acs = identity();
  const find = async (): Promise<unknown> => {
    const me = (await client.api('/me').select('id').expand('extensions').get()) as {
      extensions?: { id: string; acsUserIdentity?: string }[];
    };
    return me.extensions?.find(({ id }) => id === extensionName)?.acsUserIdentity;
  };

  const user = await acs.createUser();
  await client.api('/me/extensions').post({
    '@odata.type': 'microsoft.graph.openTypeExtension',
    extensionName,
    acsUserIdentity: user.communicationUserId,
  });
  const found = await find();
  const { token } = await acs.getToken(user, ['chat', 'voip']);
  const teams = await acs.getTokenForTeamsUser({
    teamsUserAadToken: parts.teams.token,
    clientId: parts.teams.clientId,
    userObjectId: parts.teams.userObjectId,
  });
  await client.api(`/me/extensions/${extensionName}`).delete();
  await acs.deleteUser(user);
  return {
    found: found === user.communicationUserId,
    token: token.split('.').length,
    teams: teams.token.split('.').length,
    gone: (await find()) === undefined,
  };
}

async function main(): Promise<void> {
  const outcomes: Record<string, Outcome> = {};
  for (const [name, run] of Object.entries(cases)) {
    try {
      outcomes[name] = { value: await run() };
    } catch (error) {
      outcomes[name] = { error: error instanceof Error ? `${error.name}: ${error.message}` : 'unknown' };
    }
  }
  process.stdout.write(JSON.stringify(outcomes));
}

void main();
