import { type ChildProcess, spawn } from 'node:child_process';
import { createPrivateKey, generateKeyPairSync, sign } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { ensureCertificates } from '../../emulator/certificates/loopbackCertificates';

const clientId = 'test-client';
const clientSecret = 'a-secret-of-the-test-client-only';
const redirectUri = 'https://client.example/callback';

/** A running oidc-provider, and its client. */
export interface OidcServer {
  readonly issuer: string;
  readonly audience: string;
  /** Signs the user in with a browser's steps. With `resource` the access token is for the API. */
  signIn(user: string, resource?: string): Promise<{ accessToken: string; idToken: string }>;
  /** A token of the client itself. */
  clientToken(): Promise<string>;
  /** A token that the provider might have issued, signed with its key. */
  mint(claims: Record<string, unknown>, header?: Record<string, unknown>): string;
  stop(): Promise<void>;
}

export async function startOidcServer(): Promise<OidcServer> {
  const audience = 'https://api.contoso.example';
  const { certificate, key } = await ensureCertificates();
  const pair = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const jwk = { ...pair.privateKey.export({ format: 'jwk' }), use: 'sig', kid: 'provider-key' };
  const folder = await mkdtemp(join(tmpdir(), 'oidc-'));
  const file = join(folder, 'settings.json');
  const settings = { certificate, key, jwks: { keys: [jwk] }, clientId, clientSecret, audience, redirectUri };
  await writeFile(file, JSON.stringify(settings));
  const child: ChildProcess = spawn(process.execPath, [join(__dirname, 'oidcProviderProcess.mjs'), file], {
    stdio: ['pipe', 'pipe', 'ignore'],
    env: { PATH: process.env.PATH },
  });
  const ended = once(child, 'close');
  if (!child.stdout) throw new Error('the provider has no output');
  const lines = createInterface(child.stdout);
  const [issuer] = (await Promise.race([once(lines, 'line'), ended.then(() => [''])])) as [string];
  if (issuer === '') throw new Error('oidc-provider did not start');

  async function token(form: Record<string, string>): Promise<Record<string, string>> {
    const response = await fetch(`${issuer}/token`, {
      method: 'POST',
      headers: { authorization: `Basic ${Buffer.from(`${clientId}:${clientSecret}`).toString('base64')}` },
      body: new URLSearchParams(form),
    });
    const body = (await response.json()) as Record<string, string>;
    if (!response.ok) throw new Error(JSON.stringify(body));
    return body;
  }

  return {
    issuer,
    audience,
    async signIn(user, resource) {
      const query = {
        client_id: clientId,
        response_type: 'code',
        redirect_uri: redirectUri,
        scope: 'openid access_as_user',
        nonce: 'nonce',
        ...(resource === undefined ? {} : { resource }),
      };
      const code = await authorize(`${issuer}/auth?${new URLSearchParams(query).toString()}`, user);
      const grant = { grant_type: 'authorization_code', code, redirect_uri: redirectUri };
      const body = await token({ ...grant, ...(resource === undefined ? {} : { resource }) });
      return { accessToken: body.access_token ?? '', idToken: body.id_token ?? '' };
    },
    async clientToken() {
      const body = await token({
        grant_type: 'client_credentials',
        scope: 'access_as_user',
        resource: audience,
      });
      return body.access_token ?? '';
    },
    mint(claims, header = {}) {
      const now = Math.floor(Date.now() / 1_000);
      const good = { iss: issuer, aud: audience, sub: 'alice', client_id: clientId, scope: 'access_as_user' };
      const parts = [
        { alg: 'RS256', typ: 'at+jwt', kid: 'provider-key', ...header },
        { ...good, iat: now, exp: now + 600, ...claims },
      ];
      const signed = parts.map((part) => Buffer.from(JSON.stringify(part)).toString('base64url')).join('.');
      const privateKey = createPrivateKey({ key: jwk, format: 'jwk' });
      return `${signed}.${sign('sha256', Buffer.from(signed), privateKey).toString('base64url')}`;
    },
    async stop() {
      child.stdin?.end();
      await ended;
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** Follows the redirects of a sign-in, and fills in the pages of oidc-provider's development interactions. */
async function authorize(start: string, user: string): Promise<string> {
  const cookies = new Map<string, string>();
  let url = start;
  let form: Record<string, string> | undefined;
  for (let step = 0; step < 15; step += 1) {
    const response: Response = await fetch(url, {
      redirect: 'manual',
      headers: { cookie: [...cookies].map(([name, value]) => `${name}=${value}`).join('; ') },
      ...(form ? { method: 'POST', body: new URLSearchParams(form) } : {}),
    });
    form = undefined;
    for (const cookie of response.headers.getSetCookie()) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(cookie) ?? [];
      cookies.set(name, value);
    }
    const location = response.headers.get('location');
    if (location?.startsWith(redirectUri)) {
      const parameters = new URL(location).searchParams;
      const code = parameters.get('code');
      if (code === null) throw new Error(`no code: ${parameters.toString()}`);
      return code;
    }
    if (location !== null) url = new URL(location, url).href;
    else
      form = (await response.text()).includes('name="login"')
        ? { prompt: 'login', login: user, password: 'any' }
        : { prompt: 'consent' };
  }
  throw new Error('the sign-in did not end');
}
