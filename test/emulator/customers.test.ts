import { startEmulator, type Emulator } from '../../emulator/startEmulator';

let emulator: Emulator;
beforeAll(async () => void (emulator = await startEmulator()));
afterAll(() => emulator.stop());

function lifetimeOf(token: string): number {
  const payload = Buffer.from(token.split('.')[1] ?? '', 'base64url').toString();
  const { exp, iat } = JSON.parse(payload) as { exp: number; iat: number };
  return exp - iat;
}

describe.each(['externalId', 'b2c'] as const)('a customer tenant (%s)', (name) => {
  test('issues ID tokens that are valid for an hour', () => {
    expect(lifetimeOf(emulator[name].idToken())).toBe(3600);
    expect(lifetimeOf(emulator[name].idToken({ lifetimeInSeconds: 60 }))).toBe(60);
  });
});
