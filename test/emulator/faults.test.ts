import { startEmulator, type Emulator, type Fault } from '../../emulator/startEmulator';
import { callAcs } from './acsRequest';
import { until } from '../support/until';

let emulator: Emulator;
beforeAll(async () => void (emulator = await startEmulator()));
afterAll(() => emulator.stop());
beforeEach(() => emulator.reset());

const operation = 'acs.identity.create';
const create = (): Promise<Response> => callAcs(emulator, { path: '/identities' });

describe('a fault', () => {
  type Outcome = number | 'no response' | 'truncated response';

  test.each<[string, Fault, Outcome, number]>([
    ['status', { operation, kind: 'status', status: 503, headers: { 'retry-after': '7' } }, 503, 0],
    ['status, after the effect', { operation, kind: 'status', status: 504, effectDone: true }, 504, 1],
    ['drop', { operation, kind: 'drop' }, 'no response', 0],
    ['replyLost', { operation, kind: 'replyLost' }, 'no response', 1],
    ['cut', { operation, kind: 'cut' }, 'truncated response', 1],
    ['garbage', { operation, kind: 'garbage' }, 200, 0],
    ['malformed', { operation, kind: 'malformed' }, 200, 0],
    ['notHttp', { operation, kind: 'notHttp' }, 'no response', 0],
  ])('of the kind "%s" happens once', async (_kind, fault, outcome, identities) => {
    emulator.fail(fault);

    expect(await outcomeOf(create())).toEqual(outcome);
    expect(emulator.identities()).toHaveLength(identities);
    expect((await create()).status).toBe(201);
    expect(emulator.callsTo('acs')).toBe(2);
    expect(emulator.requests()[0]).toMatchObject({
      operation,
      status: typeof outcome === 'number' ? outcome : expect.any(Number),
    });
  });

  async function outcomeOf(call: Promise<Response>): Promise<Outcome> {
    const response = await call.catch(() => undefined);
    if (!response) return 'no response';
    const body = await response.text().catch(() => undefined);
    return body === undefined ? 'truncated response' : response.status;
  }

  test('can hang until a reset', async () => {
    emulator.fail({ operation, kind: 'hang' });
    const call = create().then(
      () => 'responded',
      () => 'ended',
    );
    await until(() => emulator.callsTo(operation) > 0);

    emulator.reset();
    expect(await call).toBe('ended');
  });

  test('has the body of the real service or a custom one, and a Retry-After', async () => {
    emulator.fail({
      operation: 'acs',
      kind: 'status',
      status: 429,
      headers: { 'retry-after': '7' },
      times: 2,
    });
    emulator.fail({ operation: 'acs', kind: 'status', status: 400, body: 'plain' });

    const throttled = await create();
    expect(throttled.headers.get('retry-after')).toBe('7');
    expect(await throttled.json()).toMatchObject({ error: { code: 'TooManyRequests' } });
    expect((await create()).status).toBe(429);
    expect(await (await create()).text()).toBe('plain');
    expect((await create()).status).toBe(201);
  });

  test('can last forever, start later, and affect one whole service', async () => {
    emulator.fail({ operation: 'entra', kind: 'status', status: 500, times: Infinity });
    emulator.fail({ operation: 'acs', kind: 'status', status: 500, after: 1 });
    const keys = async (): Promise<number> =>
      (await fetch(`${emulator.url}/${emulator.tenantId}/discovery/v2.0/keys`)).status;

    expect([await keys(), await keys(), await keys()]).toEqual([500, 500, 500]);
    expect([(await create()).status, (await create()).status, (await create()).status]).toEqual([
      201, 500, 201,
    ]);
  });

  test('or a delay for an unknown operation is refused', () => {
    expect(() => emulator.fail({ operation: 'acs.identity.creat', kind: 'drop' })).toThrow(/no operation/);
    expect(() => emulator.delay('graf', 10)).toThrow(/no operation/);
    expect(() => emulator.callsTo('graf')).toThrow(/no operation/);
  });
});

test('a delay applies to every call of its operations, and the most specific delay wins', async () => {
  emulator.delay('acs', 60_000);
  emulator.delay(operation, 500);
  const responses: string[] = [];
  const delayed = create().then(({ status }) => responses.push(`delayed: ${status}`));
  await until(() => emulator.callsTo(operation) > 0);
  emulator.delay(operation, 0);
  await create().then(({ status }) => responses.push(`immediate: ${status}`));
  await delayed;

  expect(responses).toEqual(['immediate: 201', 'delayed: 201']);
});
