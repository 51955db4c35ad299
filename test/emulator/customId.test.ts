import { startEmulator, type Emulator } from '../../emulator/startEmulator';
import { callAcs } from './acsRequest';

let emulator: Emulator;
beforeAll(async () => void (emulator = await startEmulator()));
afterAll(() => emulator.stop());
beforeEach(() => emulator.reset());

interface ApiResponse {
  status: number;
  body: {
    id?: string;
    customId?: string;
    lastTokenIssuedAt?: string;
    identity?: { id: string; customId?: string; lastTokenIssuedAt?: string };
    error?: { code: string; message: string; target?: string };
  };
}

const previews = ['2025-03-02-preview', '2025-04-01-preview'];
const [preview] = previews;

async function call(
  path: string,
  body?: unknown,
  method = 'POST',
  apiVersion = preview,
): Promise<ApiResponse> {
  const response = await callAcs(emulator, { method, path, body, apiVersion: apiVersion ?? null });
  return { status: response.status, body: (await response.json()) as ApiResponse['body'] };
}

const create = (body: unknown, apiVersion?: string): Promise<ApiResponse> =>
  call('/identities', body, 'POST', apiVersion);
const pathOf = (id: string): string => `/identities/${encodeURIComponent(id)}`;
const read = (id: string, apiVersion?: string): Promise<ApiResponse> =>
  call(pathOf(id), undefined, 'GET', apiVersion);
const roundTrip = expect.stringMatching(/^[-\d]{10}T[:\d]{8}\.\d{7}\+00:00$/) as unknown;

describe('An identity with a customId', () => {
  test.each(previews)('is the same at the next create, and can be read (%s)', async (version) => {
    const first = await create({ customId: 'alice' }, version);
    const id = first.body.identity?.id ?? '';
    expect(first).toEqual({ status: 201, body: { identity: { id, customId: 'alice' } } });

    expect(await create({ customId: 'alice' }, version)).toEqual(first);
    expect((await create({ customId: 'Alice' }, version)).body.identity?.id).not.toBe(id);
    expect(await read(id, version)).toEqual({ status: 200, body: { id, customId: 'alice' } });
  });

  test('has a lastTokenIssuedAt once a token was issued, by the create or later', async () => {
    const created = await create({ customId: 'alice', createTokenWithScopes: ['chat'] });
    expect(created.body.identity?.lastTokenIssuedAt).toEqual(roundTrip);
    expect(emulator.identities()[0]?.lastTokenIssuedAt).toBeInstanceOf(Date);

    const { body } = await create({});
    const id = body.identity?.id ?? '';
    expect((await read(id)).body).toEqual({ id });
    await call(`${pathOf(id)}/:issueAccessToken`, { scopes: ['chat'] });
    expect((await read(id)).body).toEqual({ id, lastTokenIssuedAt: roundTrip });
  });

  test('gets 200 with the next create, where the switch says so', async () => {
    emulator.switches.existingCustomIdStatus = 200;

    expect((await create({ customId: 'alice' })).status).toBe(201);
    expect((await create({ customId: 'alice' })).status).toBe(200);
  });

  test.each([
    ['new_identity', 201, false],
    ['old_identity', 201, true],
    ['gone', 404, false],
  ] as const)('that was deleted gives at the next create, by the switch: %s', async (kind, status, same) => {
    emulator.switches.deletedCustomId = kind;
    const id = (await create({ customId: 'alice' })).body.identity?.id ?? '';
    await callAcs(emulator, { method: 'DELETE', path: pathOf(id) });

    const next = await create({ customId: 'alice' });

    expect(next.status).toBe(status);
    expect(next.body.identity?.id === id).toBe(same);
    if (status === 404) expect(next.body.error?.code).toBe('IdentityNotFound');
  });

  test.each(['', 'x'.repeat(257), 7])(
    'is refused if it is not 1 to 256 characters (%#)',
    async (customId) => {
      expect(await create({ customId })).toEqual({
        status: 400,
        body: {
          error: {
            code: 'ValidationError',
            message: 'CustomId is invalid. Its length must be within the [1, 256] interval.',
            target: 'CustomId',
          },
        },
      });
      expect(emulator.identities()).toEqual([]);
    },
  );

  test.each(['2023-10-01', '2025-06-30'])('does not exist in the stable version %s', async (version) => {
    const [one, other] = [
      await create({ customId: 'alice' }, version),
      await create({ customId: 'alice' }, version),
    ];
    const id = one.body.identity?.id ?? '';

    expect(one).toEqual({ status: 201, body: { identity: { id } } });
    expect(other.body.identity?.id).not.toBe(id);
    expect((await read(id, version)).body.error?.code).toBe('UnsupportedApiVersion');
  });

  test('cannot be read once it is deleted, nor through another resource', async () => {
    const id = emulator.createIdentity();
    emulator.deleteIdentity(id);

    expect((await read(id)).body.error?.code).toBe('IdentityNotFound');
    expect((await read(emulator.createForeignIdentity())).body.error?.code).toBe('IdentityNotOwned');
  });
});
