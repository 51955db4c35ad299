import { CommunicationIdentityClient } from '@azure/communication-identity';
import { ConfidentialClientApplication, PublicClientApplication } from '@azure/msal-node';
import { Client, GraphError } from '@microsoft/microsoft-graph-client';
import { startEmulator, type Emulator } from '../../emulator/startEmulator';

let emulator: Emulator;
beforeAll(async () => void (emulator = await startEmulator()));
afterAll(() => emulator.stop());
beforeEach(() => emulator.reset());

const extensionName = 'com.contoso.identityMapping';
const type = 'microsoft.graph.openTypeExtension';

describe('the real SDKs work with the emulator:', () => {
  test('msal-node gets a Graph token On-Behalf-Of, and graph-client keeps an extension with it', async () => {
    const graph = graphClient(await onBehalfOf(emulator.accessToken()));

    const created: unknown = await graph
      .api('/me/extensions')
      .post({ '@odata.type': type, extensionName, acsUserIdentity: '8:acs:1_2' });
    expect(created).toMatchObject({ id: extensionName, extensionName, acsUserIdentity: '8:acs:1_2' });

    const patched: unknown = await graph
      .api(`/me/extensions/${extensionName}`)
      .patch({ '@odata.type': type, other: 1 });
    expect(patched).toBeUndefined();

    const user: unknown = await graph.api('/me').select('id').expand('extensions').get();
    expect(user).toMatchObject({
      id: emulator.users.alice.objectId,
      extensions: [{ '@odata.type': `#${type}`, id: extensionName, extensionName, other: 1 }],
    });

    await graph.api(`/me/extensions/${extensionName}`).delete();
    const read: Promise<unknown> = graph.api(`/me/extensions/${extensionName}`).get();
    await expect(read).rejects.toMatchObject({ statusCode: 404, code: 'ResourceNotFound' });
    await expect(read).rejects.toBeInstanceOf(GraphError);
    expect(emulator.mappings()).toEqual([]);
    expect(emulator.calls()).toEqual({
      'entra.discovery': 1,
      'entra.token.on_behalf_of': 1,
      'graph.extension.create': 1,
      'graph.extension.update': 1,
      'graph.me': 1,
      'graph.extension.delete': 1,
      'graph.extension.read': 1,
    });
  });

  test('msal-node gets the claims for a step-up sign-in', async () => {
    emulator.switches.requireMfaFor.add(emulator.users.alice.objectId);

    await expect(onBehalfOf(emulator.accessToken())).rejects.toMatchObject({
      name: 'InteractionRequiredAuthError',
      subError: 'basic_action',
      claims: expect.stringContaining('polids') as unknown,
    });
  });

  test.each(['common', 'organizations', 'CONTOSO'])(
    'msal-node signs in a user on another device, and renews the tokens, under %s',
    async (tenant) => {
      const { authClient, authServer, url } = emulator;
      const authority = `${url}/${tenant.replace('CONTOSO', emulator.tenantId)}`;
      const auth = { clientId: authClient.clientId, authority, knownAuthorities: [new URL(url).host] };
      const app = new PublicClientApplication({ auth });
      const scopes = [`${authServer.appIdUri}/access_as_user`];

      const signedIn = await app.acquireTokenByDeviceCode({
        scopes,
        deviceCodeCallback: ({ userCode }) => emulator.approveDevice(userCode, 'bob'),
      });

      expect(signedIn?.account).toMatchObject({ username: 'bob@contoso.example' });
      if (!signedIn?.account) return;
      const { account } = signedIn;
      const renewed = await app.acquireTokenSilent({ account, scopes, forceRefresh: true });
      expect(renewed).toMatchObject({ fromCache: false, tenantId: emulator.tenantId });
    },
  );

  test('communication-identity creates, issues, revokes and deletes', async () => {
    const client = communicationClient();

    const created = await client.createUserAndToken(['chat', 'voip'], { tokenExpiresInMinutes: 60 });
    expect(emulator.identities().map(({ id }) => id)).toEqual([created.user.communicationUserId]);
    expect(created.expiresOn.getTime()).toBeGreaterThan(Date.now() + 59 * 60_000);

    const issued = await client.getToken(created.user, ['voip.join']);
    expect(claimsOf(issued.token)).toMatchObject({
      skypeid: created.user.communicationUserId.slice(2),
      acsScope: 'voip.join',
      resourceId: emulator.communicationResource.id,
    });

    await client.revokeTokens(created.user);
    await client.deleteUser(created.user);
    expect(emulator.identities()).toEqual([]);
    await expect(client.getToken(created.user, ['chat'])).rejects.toMatchObject({
      statusCode: 404,
      code: 'IdentityNotFound',
    });
    await expect(
      client.deleteUser({ communicationUserId: emulator.createForeignIdentity() }),
    ).rejects.toMatchObject({ statusCode: 401, code: 'IdentityNotOwned' });
  });

  test('communication-identity exchanges the token of a Teams user', async () => {
    const exchanged = await communicationClient().getTokenForTeamsUser({
      teamsUserAadToken: emulator.teamsToken(),
      clientId: emulator.authClient.clientId,
      userObjectId: emulator.users.carol.objectId,
    });

    expect(claimsOf(exchanged.token)).toMatchObject({
      skypeid: `orgid:${emulator.users.carol.objectId}`,
      acsScope: 'voip,chat',
    });
  });
});

async function onBehalfOf(oboAssertion: string): Promise<string> {
  const { clientId, clientSecret } = emulator.authServer;
  const authority = `${emulator.url}/${emulator.tenantId}`;
  const client = new ConfidentialClientApplication({
    auth: { clientId, clientSecret, authority, knownAuthorities: [new URL(emulator.url).host] },
  });
  const scopes = [`${emulator.url}/User.ReadWrite`];
  const result = await client.acquireTokenOnBehalfOf({ oboAssertion, scopes });
  return result?.accessToken ?? '';
}

function graphClient(token: string): Client {
  return Client.init({
    baseUrl: emulator.url,
    customHosts: new Set(['localhost']),
    authProvider: (done) => done(null, token),
  });
}

function communicationClient(): CommunicationIdentityClient {
  return new CommunicationIdentityClient(emulator.communicationResource.connectionString, {
    retryOptions: { maxRetries: 0 },
  });
}

function claimsOf(token: string): unknown {
  return JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString());
}
