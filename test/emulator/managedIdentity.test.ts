import { CommunicationIdentityClient } from '@azure/communication-identity';
import { ClientSecretCredential, ManagedIdentityCredential } from '@azure/identity';
import { startEmulator, type Emulator } from '../../emulator/startEmulator';
import { decodeJwt } from '../../emulator/tokens/jwt';
import { callAcs } from './acsRequest';

let emulator: Emulator;
const environment = { ...process.env };
beforeAll(async () => {
  emulator = await startEmulator();
  // The SDK reads them only from there.
  const { IDENTITY_ENDPOINT, IDENTITY_HEADER } = emulator.managedIdentitySettings();
  Object.assign(process.env, { IDENTITY_ENDPOINT, IDENTITY_HEADER });
});
afterAll(async () => {
  process.env = environment;
  await emulator.stop();
});
beforeEach(() => emulator.reset());

const communication = 'https://communication.azure.com/.default';
/** The same for every credential: MSAL keeps the first one's HTTP client for the whole process. */
const noRetries = () => ({ retryOptions: { maxRetries: 0 } });

type IdentityKey = keyof Emulator['managedIdentities'];

const credentialOf = (key: IdentityKey): ManagedIdentityCredential =>
  key === 'systemAssigned'
    ? new ManagedIdentityCredential(noRetries())
    : new ManagedIdentityCredential({ ...noRetries(), clientId: emulator.managedIdentities[key].clientId });

async function claimsFor(credential: ManagedIdentityCredential, resource: string) {
  const { token } = await credential.getToken(`${resource}/.default`);
  return decodeJwt(token)?.claims;
}

const issue = async (query: string, headers: Record<string, string>) => {
  const response = await fetch(`${String(process.env.IDENTITY_ENDPOINT)}?${query}`, { headers });
  return { status: response.status, body: (await response.json()) as Record<string, unknown> };
};

describe('The identity endpoint gives @azure/identity a token', () => {
  test.each<[IdentityKey, 'clientId' | 'objectId' | 'resourceId' | undefined]>([
    ['systemAssigned', undefined],
    ['userAssigned', 'clientId'],
    ['userAssigned', 'objectId'],
    ['userAssigned', 'resourceId'],
    ['withoutRole', 'clientId'],
  ])('of the identity %s, by %s', async (key, identifier) => {
    const identity = emulator.managedIdentities[key];
    const credential =
      identifier === undefined
        ? new ManagedIdentityCredential(noRetries())
        : new ManagedIdentityCredential({ ...noRetries(), [identifier]: identity[identifier] });

    expect(await claimsFor(credential, 'https://storage.azure.com')).toMatchObject({
      aud: 'https://storage.azure.com',
      iss: `https://sts.windows.net/${emulator.tenantId}/`,
      appid: identity.clientId,
      appidacr: '2',
      idtyp: 'app',
      oid: identity.objectId,
      sub: identity.objectId,
      xms_mirid: identity.resourceId,
      ver: '1.0',
    });
  });

  test('for each resource in its own form', async () => {
    const { objectId, clientId } = emulator.managedIdentities.userAssigned;
    const credential = credentialOf('userAssigned');
    emulator.switches.graphApplicationPermissions = { [objectId]: ['User.Read.All'] };

    expect(await claimsFor(credential, 'https://graph.microsoft.com')).toMatchObject({
      aud: 'https://graph.microsoft.com',
      roles: ['User.Read.All'],
    });
    const forExchange = await claimsFor(credential, 'api://AzureADTokenExchange');
    expect(forExchange).toMatchObject({
      aud: 'api://AzureADTokenExchange',
      iss: `${emulator.url}/${emulator.tenantId}/v2.0`,
      sub: objectId,
      azp: clientId,
      ver: '2.0',
    });
    expect(forExchange).not.toHaveProperty('roles');
  });

  test('unless the identity is not assigned to the app', async () => {
    const credential = new ManagedIdentityCredential({ ...noRetries(), clientId: emulator.tenantId });

    await expect(credential.getToken(communication)).rejects.toThrow(
      'No User Assigned or Delegated Managed Identity found for specified ClientId/ResourceId/PrincipalId.',
    );
  });

  test('unless a failure was set', async () => {
    emulator.fail({ operation: 'managedIdentity', kind: 'status', status: 500 });
    const credential = new ManagedIdentityCredential({
      ...noRetries(),
      resourceId: emulator.managedIdentities.systemAssigned.resourceId,
    });

    await expect(credential.getToken(communication)).rejects.toThrow('An internal error occurred.');
    expect((await credential.getToken(communication)).token).toBeDefined();
  });
});

test('The identity endpoint says when its token begins and ends, also at an address with a slash', async () => {
  const url = `${String(process.env.IDENTITY_ENDPOINT)}/?resource=https://storage.azure.com&api-version=2019-08-01`;
  const headers = { 'x-identity-header': String(process.env.IDENTITY_HEADER) };
  const body = (await (await fetch(url, { headers })).json()) as Record<string, string>;

  const { exp, nbf } = decodeJwt(body.access_token ?? '')?.claims ?? {};
  expect(body).toEqual({
    access_token: expect.any(String) as unknown,
    expires_on: String(exp),
    not_before: String(nbf),
    resource: 'https://storage.azure.com',
    token_type: 'Bearer',
    client_id: emulator.managedIdentities.systemAssigned.clientId,
  });
});

test.each([
  ['the header', 'resource=https://storage.azure.com&api-version=2019-08-01', {}],
  ['the resource', 'api-version=2019-08-01', undefined],
  ['the api-version', 'resource=https://storage.azure.com', undefined],
  [
    'a decision for one identity',
    'resource=https://storage.azure.com&api-version=2019-08-01&client_id=0e2a0000-0000-4000-8000-000000000012&principal_id=0e2a0000-0000-4000-8000-000000000022',
    undefined,
  ],
])('The identity endpoint refuses a request without %s', async (_name, query, headers) => {
  const { status, body } = await issue(
    query,
    headers ?? { 'x-identity-header': String(process.env.IDENTITY_HEADER) },
  );

  expect(status).toBe(400);
  expect(Object.keys(body)).toEqual(['statusCode', 'message', 'correlationId']);
});

describe('ACS takes the token', () => {
  const createWith = (credential: ConstructorParameters<typeof CommunicationIdentityClient>[1]) =>
    new CommunicationIdentityClient(emulator.url, credential, noRetries()).createUser();
  const denied = { statusCode: 401, code: 'Denied', message: 'Denied by the resource provider.' };

  test('of an identity with the role, and of no other', async () => {
    await createWith(credentialOf('systemAssigned'));
    await createWith(credentialOf('userAssigned'));
    await expect(createWith(credentialOf('withoutRole'))).rejects.toMatchObject(denied);
    expect(emulator.identities()).toHaveLength(2);

    const { communicationRoleHolders } = emulator.switches;
    communicationRoleHolders.clear();
    communicationRoleHolders.add(emulator.managedIdentities.withoutRole.objectId);
    await createWith(credentialOf('withoutRole'));
    await expect(createWith(credentialOf('systemAssigned'))).rejects.toMatchObject(denied);
  });

  test('of an application that has signed in by secret and holds the role', async () => {
    const { clientId, clientSecret, servicePrincipalId } = emulator.authServer;
    const application = new ClientSecretCredential(emulator.tenantId, clientId, clientSecret, {
      authorityHost: emulator.url,
      disableInstanceDiscovery: true,
    });

    await expect(createWith(application)).rejects.toMatchObject(denied);
    emulator.switches.communicationRoleHolders.add(servicePrincipalId);
    await createWith(application);
  });

  test.each<[string, () => Promise<string> | string]>([
    ['is for another resource', () => tokenFor('https://storage.azure.com')],
    [
      'has expired',
      async () => {
        const token = await tokenFor('https://communication.azure.com');
        emulator.switches.clockOffsetInMs = 25 * 3600 * 1000;
        return token;
      },
    ],
    ['is of a user', () => emulator.accessToken()],
    ['is no token', () => 'not-a-token'],
    ['was changed', async () => `${(await tokenFor('https://communication.azure.com')).slice(0, -4)}AAAA`],
  ])('but not one that %s', async (_name, token) => {
    const authorization = `Bearer ${await token()}`;
    const response = await callAcs(emulator, {
      path: '/identities',
      tamper: ({ headers }) => void (headers.authorization = authorization),
    });

    expect(response.status).toBe(401);
    expect(await response.json()).toEqual({
      error: { code: 'Denied', message: 'Denied by the resource provider.' },
    });
  });

  test('and no access key where access keys are disabled', async () => {
    emulator.switches.accessKeysDisabled = true;

    expect((await callAcs(emulator, { path: '/identities' })).status).toBe(401);
    await createWith(credentialOf('systemAssigned'));
  });

  const tokenFor = async (resource: string): Promise<string> =>
    (await credentialOf('systemAssigned').getToken(`${resource}/.default`)).token;
});
