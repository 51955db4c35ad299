import { createHash, generateKeyPairSync } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import { type AddressInfo } from 'node:net';
import { type Emulator, startEmulator } from '../../emulator/startEmulator';
import { claimsOf, nowInSeconds, refused, requestToken, signedJwt, type Values } from './assertions';

let emulator: Emulator;
beforeAll(async () => void (emulator = await startEmulator()));
afterAll(() => emulator.stop());
beforeEach(() => emulator.reset());

const token = (assertion: string) => requestToken(emulator, assertion);

describe('a federated client assertion', () => {
  const issuer = 'https://kubernetes.example';
  const subject = 'system:serviceaccount:default:auth-server';
  const keys = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const key = (kid: string): Values => ({ ...keys.publicKey.export({ format: 'jwk' }), kid, use: 'sig' });
  const assertion = (claims: Values = {}, kid = 'k1'): string =>
    signedJwt(
      keys.privateKey,
      { alg: 'RS256', kid },
      {
        ...{ iss: issuer, sub: subject, aud: ['api://AzureADTokenExchange'] },
        ...{ nbf: nowInSeconds(), exp: nowInSeconds() + 3600 },
        ...claims,
      },
    );

  test('is accepted with the issuer’s keys, until it is removed', async () => {
    const credential = { issuer, subject, jwks: { keys: [key('k1')] } };
    const { id } = emulator.applications.addFederatedCredential('AuthServer', credential);
    const reply = await token(assertion());
    expect(reply.status).toBe(200);
    expect(claimsOf(reply.body.access_token)).toMatchObject({ appidacr: '2' });

    emulator.applications.removeFederatedCredential('AuthServer', id);
    expect(await token(assertion())).toMatchObject(refused(70021));
  });

  test.each<[string, () => string, number]>([
    ['of another issuer', () => assertion({ iss: 'https://elsewhere.example' }), 700211],
    ['for another audience', () => assertion({ aud: 'api://other' }), 700212],
    ['of another subject, in case alone', () => assertion({ sub: subject.toUpperCase() }), 700213],
    ['with a key of another id', () => assertion({}, 'k2'), 700027],
    ['changed after it was signed', () => tampered(assertion()), 700027],
    ['that is expired', () => assertion({ exp: nowInSeconds() - 1 }), 700024],
  ])('is refused %s', async (_name, presented, code) => {
    const credential = { issuer, subject, jwks: { keys: [key('k1')] } };
    emulator.applications.addFederatedCredential('AuthServer', credential);

    expect(await token(presented())).toMatchObject(refused(code));
  });

  test('follows the keys that the issuer publishes', async () => {
    const published = { keys: [key('k1')] };
    const server = createServer((_request, response) => void response.end(JSON.stringify(published)));
    const jwksUrl = await listen(server);
    try {
      emulator.applications.addFederatedCredential('AuthServer', { issuer, subject, jwksUrl });
      expect((await token(assertion())).status).toBe(200);
      published.keys = [key('k2')];
      expect((await token(assertion({}, 'k2'))).status).toBe(200);
    } finally {
      server.close();
    }
    expect(await token(assertion({}, 'k3'))).toMatchObject(refused(700027));
  });

  test('may be the token of a managed identity', async () => {
    const claims = { aud: 'api://AzureADTokenExchange', sub: 'the-identity', oid: 'the-identity' };
    const own = emulator.appOnlyToken({ claims });
    const own2 = { issuer: `${emulator.url}/${emulator.tenantId}/v2.0`, subject: 'the-identity' };
    emulator.applications.addFederatedCredential('AuthServer', own2);

    expect((await token(own)).status).toBe(200);
    expect(await token(emulator.appOnlyToken({ claims, defect: 'wrong_key' }))).toMatchObject(
      refused(700027),
    );
  });
});

async function listen(server: Server): Promise<string> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/keys`;
}

function tampered(assertion: string): string {
  const [header = '', claims = '', signature = ''] = assertion.split('.');
  const changed = { ...claimsOf(assertion), extra: createHash('sha256').update(claims).digest('hex') };
  return `${header}.${Buffer.from(JSON.stringify(changed)).toString('base64url')}.${signature}`;
}
