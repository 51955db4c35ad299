import { execFile } from 'node:child_process';
import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { projectRoot } from '../docs/markdown';
import { type FakeAz, startFakeAz } from '../scripts/fakeAz';

const principal = '33333333-0000-4000-8000-000000000003';

let folder: string;
let az: FakeAz;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'azd-hook-'));
  az = await startFakeAz(folder);
  const azd = join(folder, 'azd');
  await writeFile(
    azd,
    `#!/bin/sh\n[ "$1 $2" = "env set" ] && printf '%s=%s\\n' "$3" "$4" >> '${folder}/set'\n`,
  );
  await chmod(azd, 0o755);
});
afterEach(async () => {
  await az.stop();
  await rm(folder, { recursive: true, force: true });
});

describe('scripts/azd-hook.sh', () => {
  it('registers the applications, and passes their IDs to the templates', async () => {
    expect(await run('preprovision')).toMatchObject({ code: 0 });

    const [server, client] = az.apps;
    expect([server?.displayName, client?.displayName]).toEqual(['AuthServer-test', 'AuthClient-test']);
    expect(server?.requiredResourceAccess).toBeUndefined();
    expect((await readFile(join(folder, 'set'), 'utf8')).trim().split('\n')).toEqual([
      `AUTH_SERVER_TENANT_ID=${az.tenantId}`,
      `AUTH_SERVER_CLIENT_ID=${server?.appId}`,
      `ALLOWED_CLIENT_IDS=${client?.appId}`,
      'CORS_ALLOWED_ORIGINS=http://localhost:5173',
    ]);
    expect(az.secrets.size).toBe(0);
  });

  it('lets the managed identity act as AuthServer with the graph store only', async () => {
    const graph = { IDENTITY_STORE: 'graph' };
    expect(await run('preprovision', graph)).toMatchObject({ code: 0 });
    const [server] = az.apps;
    expect(server?.requiredResourceAccess).toHaveLength(1);

    await run('postprovision');
    expect(az.federatedCredentials.size).toBe(0);
    const { output } = await run('postprovision', graph);
    expect(az.federatedCredentials.get(server?.appId ?? '')).toMatchObject([{ subject: principal }]);
    expect(output).toContain('https://web.example');
    expect(output).toContain(`api://${server?.appId}/access_as_user`);
  });

  it('registers what it is asked to', async () => {
    const uris = 'https://app.contoso.example/ https://other.contoso.example/signed-in';
    await run('preprovision', { SPA_REDIRECT_URIS: uris, ALLOW_AZURE_CLI: 'true' });

    const [server, client] = az.apps;
    expect(client?.spa?.redirectUris).toEqual(uris.split(' '));
    expect(server?.api.preAuthorizedApplications).toHaveLength(2);
    expect(await readFile(join(folder, 'set'), 'utf8')).toContain(
      'CORS_ALLOWED_ORIGINS=https://app.contoso.example,https://other.contoso.example\n',
    );
  });
});

function run(
  hook: string,
  settings: Record<string, string> = {},
): Promise<{ code: number | null; output: string }> {
  const env = {
    ...process.env,
    AZURE_ENV_NAME: 'test',
    MANAGED_IDENTITY_PRINCIPAL_ID: principal,
    WEB_APP_URL: 'https://web.example',
    ...settings,
    PATH: [folder, process.env.PATH ?? ''].join(delimiter),
  };
  const script = join(projectRoot, 'scripts', 'azd-hook.sh');
  return new Promise((resolve) => {
    const child = execFile('bash', [script, hook], { cwd: folder, env }, (_error, stdout, stderr) =>
      resolve({ code: child.exitCode, output: stdout + stderr }),
    );
  });
}
