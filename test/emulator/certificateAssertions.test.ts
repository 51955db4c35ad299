import { randomUUID } from 'node:crypto';
import { ConfidentialClientApplication } from '@azure/msal-node';
import {
  createClientCertificate,
  startEmulator,
  type ClientCertificate,
  type Emulator,
} from '../../emulator/startEmulator';
import {
  claimsOf,
  type Fields,
  nowInSeconds,
  refused,
  requestToken,
  signedJwt,
  tokenEndpoint,
  type Values,
} from './assertions';

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

function certificateClaims(): Values {
  const { clientId } = emulator.authServer;
  const lifetime = { nbf: nowInSeconds(), exp: nowInSeconds() + 600 };
  return { iss: clientId, sub: clientId, aud: tokenEndpoint(emulator), jti: randomUUID(), ...lifetime };
}

const base64url = (hex: string): string => Buffer.from(hex, 'hex').toString('base64url');
const sha256Header = ({ sha256 }: ClientCertificate): Values => ({
  alg: 'PS256',
  'x5t#S256': base64url(sha256),
});
const sha1Header = ({ sha1 }: ClientCertificate): Values => ({ alg: 'RS256', x5t: base64url(sha1) });
const good = (claims: Values = {}): string =>
  signedJwt(ours.privateKey, sha256Header(ours), { ...certificateClaims(), ...claims });

const token = (assertion: string, fields?: Fields) => requestToken(emulator, assertion, fields);

describe('a client assertion by certificate', () => {
  beforeEach(() => void emulator.applications.addCertificate('AuthServer', ours.certificate));

  test.each<[string, () => Values]>([
    ['PS256, x5t#S256', () => sha256Header(ours)],
    ['RS256, x5t', () => sha1Header(ours)],
    ['RS256, x5t#S256', () => ({ ...sha256Header(ours), alg: 'RS256' })],
  ])('is accepted with %s', async (_name, header) => {
    const response = await token(signedJwt(ours.privateKey, header(), certificateClaims()));

    expect(response.status).toBe(200);
    expect(claimsOf(response.body.access_token)).toMatchObject({ appidacr: '2', idtyp: 'app' });
  });

  test.each<[string, () => string, number, RegExp?]>([
    [
      'of a key that is not registered',
      () => signedJwt(other.privateKey, sha256Header(other), certificateClaims()),
      700027,
      /not found/,
    ],
    [
      'signed with another key',
      () => signedJwt(other.privateKey, sha256Header(ours), certificateClaims()),
      700027,
      /Key was found/,
    ],
    [
      'without a thumbprint',
      () => signedJwt(ours.privateKey, { alg: 'PS256' }, certificateClaims()),
      700027,
      /not found/,
    ],
    [
      'signed by another algorithm',
      () => signedJwt(ours.privateKey, { ...sha256Header(ours), alg: 'RS512' }, certificateClaims()),
      700027,
    ],
    ['without a signature', () => good().replace(/[^.]*$/, ''), 700027],
    ['of another issuer', () => good({ iss: emulator.authClient.clientId }), 700021],
    ['of another subject', () => good({ sub: emulator.authClient.clientId }), 700021],
    ['for another audience', () => good({ aud: 'https://login.microsoftonline.com/common' }), 700023],
    [
      'that is expired',
      () => good({ nbf: nowInSeconds() - 700, exp: nowInSeconds() - 100 }),
      700024,
      /Current time: .*expiry time/,
    ],
    ['that never expires', () => good({ exp: undefined }), 700024],
    ['that is not yet valid', () => good({ nbf: nowInSeconds() + 400, exp: nowInSeconds() + 900 }), 700024],
  ])('is refused %s', async (_name, assertion, code, text = /Review the documentation|Reason/) => {
    const response = await token(assertion());

    expect(response).toMatchObject(refused(code));
    expect(response.body.error_description).toMatch(text);
  });

  test.each<[string, Fields, number, string, number]>([
    ['that is not a JWT', { client_assertion: 'a.b' }, 400, 'invalid_request', 50027],
    ['without its type', { client_assertion_type: '' }, 400, 'invalid_request', 900144],
  ])('is refused %s', async (_name, fields, status, error, code) => {
    expect(await token(good(), fields)).toMatchObject({ status, body: { error, error_codes: [code] } });
  });

  test.each<[string, Fields]>([
    ['a secret as well', { client_secret: 'secret' }],
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

    const response = await token(
      signedJwt(certificate.privateKey, sha256Header(certificate), certificateClaims()),
    );
    expect(response).toMatchObject(refused(700027));
    expect(response.body.error_description).toMatch(text);
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

  test('supports rotation: a second certificate is added, then the old one and the secret are removed', async () => {
    const renewed = (): string => signedJwt(other.privateKey, sha1Header(other), certificateClaims());
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

  test('is accepted with a registered thumbprint only if the client sends the certificate', async () => {
    emulator.reset();
    emulator.applications.addCertificate('AuthServer', ours.sha256.toUpperCase());
    expect(await token(good())).toMatchObject(refused(700027));

    const x5c = [ours.certificate.replace(/-----[^-]+-----|\s/g, '')];
    expect(
      (await token(signedJwt(ours.privateKey, { ...sha256Header(ours), x5c }, certificateClaims()))).status,
    ).toBe(200);
  });

  test('needs no certificate once that is registered in addition to its thumbprint', async () => {
    const { applications } = emulator;
    applications.removeCertificate('AuthServer', ours.sha256);
    applications.addCertificate('AuthServer', ours.sha1);
    const assertion = (): string => signedJwt(ours.privateKey, sha1Header(ours), certificateClaims());
    expect(await token(assertion())).toMatchObject(refused(700027));

    applications.addCertificate('AuthServer', ours.certificate);
    expect(await token(assertion())).toMatchObject({ status: 200 });
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
