import { createClientCertificate, type Emulator, startEmulator } from '../../emulator/startEmulator';
import { refused, requestToken, type Values } from './assertions';

let emulator: Emulator;
beforeAll(async () => void (emulator = await startEmulator()));
afterAll(() => emulator.stop());
beforeEach(() => emulator.reset());

describe('over HTTP', () => {
  const control = async (method: string, name: string, body?: Values): Promise<unknown> => {
    const response = await fetch(`${emulator.url}/_emulator/${name}`, {
      method,
      headers: { 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    return response.status === 204 ? undefined : await response.json();
  };

  test('credentials and consents are added, shown and removed', async () => {
    const application = 'AuthServer';
    const ours = await createClientCertificate();
    const added = await control('POST', 'certificates', { application, certificate: ours.certificate });
    expect(added).toEqual({ sha1: ours.sha1, sha256: ours.sha256 });
    const federated = (await control('POST', 'federated-credentials', {
      application,
      issuer: 'https://kubernetes.example',
      subject: 'me',
      jwks: { keys: [] },
    })) as { id: string };
    await control('POST', 'consents', {
      application,
      resource: 'graph',
      permissions: ['User.ReadWrite.All'],
    });
    await control('DELETE', 'consents', { application, resource: 'graph', permissions: ['User.Read'] });
    const { secret } = (await control('POST', 'secrets', { application })) as { secret: string };
    expect((await requestToken(emulator, '', { client_secret: secret })).status).toBe(200);
    expect(await control('GET', 'applications')).toMatchObject({
      AuthServer: {
        secrets: 2,
        certificates: [added],
        federatedCredentials: [{ id: federated.id, audience: 'api://AzureADTokenExchange' }],
        consents: { graph: ['User.ReadWrite', 'User.ReadWrite.All'] },
      },
    });

    await control('DELETE', 'certificates', { application, thumbprint: ours.sha1 });
    await control('DELETE', 'federated-credentials', { application, id: federated.id });
    await control('DELETE', 'secrets', { application });
    expect(await control('GET', 'applications')).toMatchObject({
      AuthServer: { secrets: 0, certificates: [], federatedCredentials: [] },
    });
  });

  test('a secret is added with its expiry', async () => {
    const added = { application: 'AuthServer', secret: 'of yesterday', expires: '2020-01-01T00:00:00Z' };
    expect(await control('POST', 'secrets', added)).toEqual({ secret: 'of yesterday' });

    expect(await requestToken(emulator, '', { client_secret: 'of yesterday' })).toMatchObject(
      refused(7000222),
    );
  });

  test.each<[string, Values]>([
    ['certificates', { application: 'AuthServer', certificate: 'not a certificate' }],
    ['secrets', { application: 'AuthServer', expires: 'tomorrow' }],
    ['certificates', { application: 'Other', certificate: '0'.repeat(40) }],
    ['consents', { application: 'AuthServer', resource: 'graph', permissions: ['User.Reed'] }],
  ])('refuses %s %j', async (name, body) => {
    expect(await control('POST', name, body)).toMatchObject({ error: { code: 'Control' } });
  });
});
