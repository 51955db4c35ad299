import { execFileSync, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { startSystem, type System } from '../support/startSystem';

const root = join(__dirname, '..', '..');

let system: System;
beforeAll(async () => (system = await startSystem()));
afterAll(() => system.stop());

/** Chooses a user on the sign-in page, and returns the URL to which the browser is redirected. */
async function signIn(address: string, userObjectId: string): Promise<URL> {
  const page = await fetch(address);
  const html = await page.text();
  expect({ status: page.status, html }).toEqual({ status: 200, html: expect.stringContaining(userObjectId) });
  const [, action = ''] = /<form method="post" action="([^"]+)"/.exec(html) ?? [];
  const [, query = ''] = /name="request" value="([^"]+)"/.exec(html) ?? [];
  const response = await fetch(new URL(unescaped(action), address), {
    method: 'POST',
    redirect: 'manual',
    body: new URLSearchParams({ request: unescaped(query), user: userObjectId }),
  });
  expect(response.status).toBe(302);
  return new URL(response.headers.get('location') ?? '');
}

function unescaped(html: string): string {
  return html.replace(/&#(\d+);/g, (_all, number: string) => String.fromCharCode(Number(number)));
}

describe('the manual steps of the sample', () => {
  it('lead from a browser to a communication token', async () => {
    const { emulator } = system;
    const user = emulator.addUser();
    const tenantUrl = `${emulator.url}/${emulator.tenantId}/oauth2/v2.0`;
    const { clientId, clientSecret, redirectUris } = emulator.authClient;
    const redirectUri = redirectUris.find((uri) => uri.endsWith('/auth/callback')) ?? '';
    const scope = `${emulator.authServer.appIdUri}/access_as_user`;

    const sample = { response_type: 'code', client_id: clientId, redirect_uri: redirectUri, scope };
    const end = await signIn(
      `${tenantUrl}/authorize?${new URLSearchParams(sample).toString()}`,
      user.objectId,
    );
    expect(`${end.origin}${end.pathname}`).toBe(redirectUri);

    const response = await fetch(`${tenantUrl}/token`, {
      method: 'POST',
      headers: { Accept: '*/*', 'Cache-Control': 'no-cache' },
      body: new URLSearchParams({
        redirect_uri: redirectUri,
        client_id: clientId,
        grant_type: 'authorization_code',
        code: end.searchParams.get('code') ?? '',
        session_state: end.searchParams.get('session_state') ?? '',
        client_secret: clientSecret,
        scope,
      }),
    });
    const tokens = (await response.json()) as { access_token: string };
    expect({ status: response.status, tokens }).toMatchObject({
      status: 200,
      tokens: { token_type: 'Bearer', scope },
    });

    const { status, body } = await system.call('get', '/api/token', tokens.access_token);
    expect({ status, ids: emulator.identities().map(({ id }) => id) }).toEqual({
      status: 200,
      ids: [body.user.communicationUserId],
    });
    expect(emulator.mappings()).toEqual([expect.objectContaining({ userObjectId: user.objectId })]);
  });

  it('work as docs/testing-the-api.md writes them', async () => {
    const { emulator } = system;
    const user = emulator.addUser();
    const [values = '', address = '', ...further] = documentedCommands();
    expect(further).toHaveLength(3);

    const end = await signIn(
      execFileSync('bash', ['-c', values + address], { encoding: 'utf8' }).trim(),
      user.objectId,
    );
    const response = await runCommands([values, ...further], end.searchParams.get('code') ?? '');
    const [head = '', body = ''] = response.split('\r\n\r\n');
    expect(head).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
    expect(JSON.parse(body)).toEqual({
      token: expect.stringMatching(/^eyJ/),
      expiresOn: expect.stringMatching(/Z$/),
      user: { communicationUserId: expect.stringMatching(/^8:acs:/) },
    });
  });
});

/** The commands of the section, with the URLs of this system. */
function documentedCommands(): string[] {
  const document = readFileSync(join(root, 'docs', 'testing-the-api.md'), 'utf8');
  const [, section = ''] = document.split('## By hand, with a browser and curl');
  return [...section.matchAll(/^ *```bash\n([^`]+)^ *```$/gm)].map(([, block = '']) =>
    block
      .replaceAll('https://localhost:8443', system.emulator.url)
      .replaceAll('http://localhost:3000', system.url),
  );
}

/** Asynchronous, because this process must respond to the calls. */
async function runCommands(commands: string[], input: string): Promise<string> {
  const shell = spawn('bash', ['-e', '-u', '-c', commands.join('')], { cwd: root });
  shell.stdin.end(`${input}\n`);
  const [output, errors] = await Promise.all([text(shell.stdout), text(shell.stderr)]);
  expect(errors).toBe('');
  return output;
}
