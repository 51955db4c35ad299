import { constants, createHash, generateKeyPairSync, type KeyObject, randomUUID, sign } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import { type AddressInfo } from 'node:net';
import { ConfidentialClientApplication } from '@azure/msal-node';
import {
  createClientCertificate,
  startEmulator,
  type ClientCertificate,
  type Emulator,
} from '../../emulator/startEmulator';

let emulator: Emulator;
let ours: ClientCertificate;
let other: ClientCertificate;
beforeAll(async () => {
  [emulator, ours, other] = await Promise.all([
    startEmulator(),
    createClientCertificate(),
    createClientCertificate(),
  ]);
});
afterAll(() => emulator.stop());
beforeEach(() => emulator.reset());

type Values = Record<string, unknown>;
type Fields = Record<string, string>;

const tokenEndpoint = (): string => `${emulator.url}/${emulator.tenantId}/oauth2/v2.0/token`;
const now = (): number => Math.floor(Date.now() / 1000);

function certificateClaims(): Values {
  const { clientId } = emulator.authServer;
  const lifetime = { nbf: now(), exp: now() + 600 };
  return { iss: clientId, sub: clientId, aud: tokenEndpoint(), jti: randomUUID(), ...lifetime };
}

/** @param key PEM, or a key object */
function jwt(key: string | KeyObject, header: Values, claims: Values): string {
  const part = (values: Values): string => Buffer.from(JSON.stringify(values)).toString('base64url');
  const signed = `${part({ typ: 'JWT', ...header })}.${part(claims)}`;
  const pss = { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: 32 };
  const content = Buffer.from(signed);
  const signature =
    header.alg === 'PS256'
      ? sign('sha256', content, typeof key === 'string' ? { key, ...pss } : { key, ...pss })
      : sign('sha256', content, key);
  return `${signed}.${signature.toString('base64url')}`;
}

const base64url = (hex: string): string => Buffer.from(hex, 'hex').toString('base64url');
const sha256Header = ({ sha256 }: ClientCertificate): Values => ({
  alg: 'PS256',
  'x5t#S256': base64url(sha256),
});
const sha1Header = ({ sha1 }: ClientCertificate): Values => ({ alg: 'RS256', x5t: base64url(sha1) });
const good = (claims: Values = {}): string =>
  jwt(ours.privateKey, sha256Header(ours), { ...certificateClaims(), ...claims });

async function token(assertion: string, fields: Fields = {}): Promise<{ status: number; body: Values }> {
  const response = await fetch(tokenEndpoint(), {
    method: 'POST',
    body: new URLSearchParams({
      grant_type: 'client_credentials',
      client_id: emulator.authServer.clientId,
      scope: 'https://graph.microsoft.com/.default',
      client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
      client_assertion: assertion,
      ...fields,
    }),
  });
  return { status: response.status, body: (await response.json()) as Values };
}

const refused = (code: number) => ({ status: 401, body: { error: 'invalid_client', error_codes: [code] } });

describe('a client assertion by certificate', () => {
  beforeEach(() => void emulator.applications.addCertificate('AuthServer', ours.certificate));

  test.each<[string, () => Values]>([
    ['PS256, x5t#S256', () => sha256Header(ours)],
    ['RS256, x5t', () => sha1Header(ours)],
    ['RS256, x5t#S256', () => ({ ...sha256Header(ours), alg: 'RS256' })],
  ])('is accepted with %s', async (_name, header) => {
    const answer = await token(jwt(ours.privateKey, header(), certificateClaims()));

    expect(answer.status).toBe(200);
    expect(claimsOf(answer.body.access_token)).toMatchObject({ appidacr: '2', idtyp: 'app' });
  });

  test.each<[string, () => string, number, RegExp?]>([
    [
      'of a key that is not registered',
      () => jwt(other.privateKey, sha256Header(other), certificateClaims()),
      700027,
      /not found/,
    ],
    [
      'signed with another key',
      () => jwt(other.privateKey, sha256Header(ours), certificateClaims()),
      700027,
      /Key was found/,
    ],
    [
      'without a thumbprint',
      () => jwt(ours.privateKey, { alg: 'PS256' }, certificateClaims()),
      700027,
      /not found/,
    ],
    [
      'signed by another algorithm',
      () => jwt(ours.privateKey, { ...sha256Header(ours), alg: 'RS512' }, certificateClaims()),
      700027,
    ],
    ['without a signature', () => good().replace(/[^.]*$/, ''), 700027],
    ['of another issuer', () => good({ iss: emulator.authClient.clientId }), 700021],
    ['of another subject', () => good({ sub: emulator.authClient.clientId }), 700021],
    ['for another audience', () => good({ aud: 'https://login.microsoftonline.com/common' }), 700023],
    [
      'that is expired',
      () => good({ nbf: now() - 700, exp: now() - 100 }),
      700024,
      /Current time: .*expiry time/,
    ],
    ['that never expires', () => good({ exp: undefined }), 700024],
    ['that is not yet valid', () => good({ nbf: now() + 400, exp: now() + 900 }), 700024],
  ])('is refused %s', async (_name, assertion, code, text = /Review the documentation|Reason/) => {
    const answer = await token(assertion());

    expect(answer).toMatchObject(refused(code));
    expect(answer.body.error_description).toMatch(text);
  });

  test.each<[string, Fields, number, string, number]>([
    ['that is not a JWT', { client_assertion: 'a.b' }, 400, 'invalid_request', 50027],
    ['without its type', { client_assertion_type: '' }, 400, 'invalid_request', 900144],
  ])('is refused %s', async (_name, fields, status, error, code) => {
    expect(await token(good(), fields)).toMatchObject({ status, body: { error, error_codes: [code] } });
  });

  test.each<[string, Fields]>([
    ['a secret beside it', { client_secret: 'secret' }],
    ['SAML', { client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:saml2-bearer' }],
  ])('is not emulated with %s', async (_name, fields) => {
    expect((await token(good(), fields)).status).toBe(501);
  });

  test.each<[string, { notBefore?: Date; notAfter?: Date }, RegExp]>([
    ['expired', { notAfter: new Date(Date.now() - 1000) }, /The key used is expired/],
    ['not yet valid', { notBefore: new Date(Date.now() + 60_000) }, /not yet valid/],
  ])('is refused where the certificate is %s', async (_name, validity, text) => {
    const certificate = await createClientCertificate(validity);
    emulator.applications.addCertificate('AuthServer', certificate.certificate);

    const answer = await token(jwt(certificate.privateKey, sha256Header(certificate), certificateClaims()));
    expect(answer).toMatchObject(refused(700027));
    expect(answer.body.error_description).toMatch(text);
  });

  test('may be used again, as MSAL does, unless a switch forbids it', async () => {
    const [first, second] = [good(), good()];
    expect((await token(first)).status).toBe(200);
    expect((await token(first)).status).toBe(200);

    emulator.switches.refuseReplayedAssertions = true;
    expect((await token(second)).status).toBe(200);
    expect(await token(second)).toMatchObject(refused(700027));
    expect(await token(good({ jti: undefined }))).toMatchObject(refused(700027));
  });

  test('takes a rotation: the new certificate beside the old one, then the old one and the secret go', async () => {
    const renewed = (): string => jwt(other.privateKey, sha1Header(other), certificateClaims());
    emulator.applications.addCertificate('AuthServer', other.certificate);
    expect([(await token(good())).status, (await token(renewed())).status]).toEqual([200, 200]);

    emulator.applications.removeCertificate('AuthServer', ours.sha256);
    emulator.applications.withdrawSecret('AuthServer');
    expect(await token(good())).toMatchObject(refused(700027));
    expect((await token(renewed())).status).toBe(200);
    const client_secret = emulator.authServer.clientSecret;
    expect(await token('', { client_secret })).toMatchObject(refused(7000215));
    const added = emulator.applications.addSecret('AuthServer');
    expect((await token('', { client_secret: added })).status).toBe(200);
  });

  test('is accepted with a registered thumbprint only if the certificate comes along', async () => {
    emulator.reset();
    emulator.applications.addCertificate('AuthServer', ours.sha256.toUpperCase());
    expect(await token(good())).toMatchObject(refused(700027));

    const x5c = [ours.certificate.replace(/-----[^-]+-----|\s/g, '')];
    expect(
      (await token(jwt(ours.privateKey, { ...sha256Header(ours), x5c }, certificateClaims()))).status,
    ).toBe(200);
  });

  test('works for On-Behalf-Of, with msal-node', async () => {
    const client = new ConfidentialClientApplication({
      auth: {
        clientId: emulator.authServer.clientId,
        authority: `${emulator.url}/${emulator.tenantId}`,
        knownAuthorities: [new URL(emulator.url).host],
        clientCertificate: { thumbprintSha256: ours.sha256, privateKey: ours.privateKey },
      },
    });
    const scopes = ['https://graph.microsoft.com/User.ReadWrite'];
    for (const user of ['alice', 'bob']) {
      const oboAssertion = emulator.accessToken({ user });
      const result = await client.acquireTokenOnBehalfOf({ oboAssertion, scopes });
      expect(claimsOf(result?.accessToken)).toMatchObject({ appidacr: '2' });
    }
  });

  test('works for codes and refresh tokens', async () => {
    const { clientId } = emulator.authClient;
    emulator.applications.addCertificate('AuthClient', ours.certificate);
    const redirect_uri = 'http://localhost:3000';
    const scope = `offline_access ${emulator.authServer.appIdUri}/access_as_user`;
    const request = new URLSearchParams({ client_id: clientId, response_type: 'code', redirect_uri, scope });
    const signedIn = await fetch(`${emulator.url}/${emulator.tenantId}/login`, {
      method: 'POST',
      redirect: 'manual',
      body: new URLSearchParams({ request: request.toString(), user: 'alice' }),
    });
    const code = new URL(signedIn.headers.get('location') ?? '').searchParams.get('code') ?? '';
    const proof = (): string => good({ iss: clientId, sub: clientId });

    const first = await token(proof(), {
      grant_type: 'authorization_code',
      client_id: clientId,
      code,
      redirect_uri,
      scope,
    });
    expect(claimsOf(first.body.access_token)).toMatchObject({ azpacr: '2' });
    const second = await token(proof(), {
      grant_type: 'refresh_token',
      client_id: clientId,
      refresh_token: String(first.body.refresh_token),
      scope,
    });
    expect(claimsOf(second.body.access_token)).toMatchObject({ azpacr: '2' });
  });
});

describe('a federated client assertion', () => {
  const issuer = 'https://kubernetes.example';
  const subject = 'system:serviceaccount:default:auth-server';
  const keys = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const key = (kid: string): Values => ({ ...keys.publicKey.export({ format: 'jwk' }), kid, use: 'sig' });
  const assertion = (claims: Values = {}, kid = 'k1'): string =>
    jwt(
      keys.privateKey,
      { alg: 'RS256', kid },
      {
        ...{ iss: issuer, sub: subject, aud: ['api://AzureADTokenExchange'] },
        ...{ nbf: now(), exp: now() + 3600 },
        ...claims,
      },
    );

  test('is accepted with the issuer’s keys, until it is removed', async () => {
    const credential = { issuer, subject, jwks: { keys: [key('k1')] } };
    const { id } = emulator.applications.addFederatedCredential('AuthServer', credential);
    const answer = await token(assertion());
    expect(answer.status).toBe(200);
    expect(claimsOf(answer.body.access_token)).toMatchObject({ appidacr: '2' });

    emulator.applications.removeFederatedCredential('AuthServer', id);
    expect(await token(assertion())).toMatchObject(refused(70021));
  });

  test.each<[string, () => string, number]>([
    ['of another issuer', () => assertion({ iss: 'https://elsewhere.example' }), 700211],
    ['for another audience', () => assertion({ aud: 'api://other' }), 700212],
    ['of another subject, in case alone', () => assertion({ sub: subject.toUpperCase() }), 700213],
    ['with a key of another id', () => assertion({}, 'k2'), 700027],
    ['changed after it was signed', () => tampered(assertion()), 700027],
    ['that is expired', () => assertion({ exp: now() - 1 }), 700024],
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
    expect((await token('', { client_secret: secret })).status).toBe(200);
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

  test.each<[string, Values]>([
    ['certificates', { application: 'AuthServer', certificate: 'not a certificate' }],
    ['certificates', { application: 'Other', certificate: '0'.repeat(40) }],
    ['consents', { application: 'AuthServer', resource: 'graph', permissions: ['User.Reed'] }],
  ])('refuses %s %j', async (name, body) => {
    expect(await control('POST', name, body)).toMatchObject({ error: { code: 'Control' } });
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

function claimsOf(token: unknown): Values {
  return JSON.parse(Buffer.from(String(token).split('.')[1] ?? '', 'base64url').toString()) as Values;
}
