import fs, { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createMetadataSource } from '../../src/authentication/metadataSource';
import { loadJose } from '../../src/authentication/oidc/jose';
import { createManagedIdentityCredential } from '../../src/entra/managedIdentity';
import { createTableClient } from '../../src/identities/stores/table/tableClient';
import { once } from '../../src/loadOnDemand';
import { silentLog } from '../../src/log';
import { defaultTimings } from '../../src/timings';

const folder = mkdtempSync(join(tmpdir(), 'on-demand-'));
afterAll(() => rmSync(folder, { recursive: true }));

const endpoint = 'https://contoso.table.core.windows.net';
const accountKey = { accountName: 'contoso', accountKey: 'YQ==' };
const timeLimits = { timeLimitInMs: 1_000, credentialTimeLimitInMs: 1_000 };

function federatedToken(): string {
  const encode = (part: object) => Buffer.from(JSON.stringify(part)).toString('base64url');
  const tokenFile = join(folder, 'token');
  writeFileSync(tokenFile, `${encode({ alg: 'RS256' })}.${encode({ exp: Date.now() / 1_000 + 3_600 })}.AA`);
  return tokenFile;
}

describe.each<{ part: string; use: () => Promise<unknown>; later: string }>([
  {
    part: 'the SDK for Azure Tables',
    use: () =>
      createTableClient(
        { endpoint, tableName: 'mappings', accountKey, managedIdentityClientId: undefined },
        timeLimits,
      ),
    later: 'works',
  },
  {
    part: 'the managed identity',
    use: async () => createManagedIdentityCredential({ clientId: 'a', ...timeLimits }).getToken('b'),
    later: 'upstream',
  },
  {
    part: 'the workload identity',
    use: async () =>
      createManagedIdentityCredential({
        clientId: 'a',
        workloadIdentity: {
          tokenFile: federatedToken(),
          authorityHost: 'https://login.microsoftonline.invalid',
          tenantId: '11111111-1111-4111-8111-111111111111',
        },
        ...timeLimits,
      }).getToken('b'),
    later: 'upstream',
  },
  {
    part: 'the keys of an OpenID Connect provider',
    use: async () =>
      createMetadataSource({
        upstream: 'the OpenID Connect provider',
        timings: defaultTimings.signingKeys,
        log: silentLog,
        load: async () => ({ signingKeys: new Map(), jose: await loadJose() }),
      }).metadata(),
    later: 'works',
  },
])('without file descriptors, $part', ({ use, later }) => {
  it('is reported as unavailable, and used as soon as there are some', async () => {
    const open = jest.spyOn(fs, 'openSync').mockImplementation(() => {
      throw new Error('EMFILE: too many open files');
    });
    const failure = await use().catch((error: unknown) => error);
    open.mockRestore();
    expect(failure).toMatchObject({
      code: 'server_unavailable',
      status: 503,
      cause: { message: 'EMFILE: too many open files' },
    });
    const outcome = use().then(() => 'works');
    await expect(outcome.catch((error: unknown) => (error as { code: string }).code)).resolves.toMatch(later);
  });
});

describe('a result that is created once', () => {
  it('is shared, unless it is a failure', async () => {
    const create = jest.fn<Promise<string>, []>().mockRejectedValueOnce(new Error('failed'));
    create.mockResolvedValue('created');
    const get = once(create);
    expect(await Promise.allSettled([get(), get()])).toMatchObject([
      { reason: { message: 'failed' } },
      { reason: { message: 'failed' } },
    ]);
    expect(await Promise.all([get(), get(), get()])).toEqual(['created', 'created', 'created']);
    expect(create).toHaveBeenCalledTimes(2);
  });
});
