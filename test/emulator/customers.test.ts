import { startEmulator, type Emulator } from '../../emulator/startEmulator';

let emulator: Emulator;
beforeAll(async () => void (emulator = await startEmulator()));
afterAll(() => emulator.stop());

function lifetimeOf(token: string): number {
  const payload = Buffer.from(token.split('.')[1] ?? '', 'base64url').toString();
  const { exp, iat } = JSON.parse(payload) as { exp: number; iat: number };
  return exp - iat;
}

describe.each([
  ['externalId', 4500],
  ['b2c', 3600],
] as const)('a customer tenant (%s)', (name, accessTokenLifetime) => {
  test('issues access tokens with its lifetime', () => {
    expect(lifetimeOf(emulator[name].accessToken())).toBe(accessTokenLifetime);
    expect(lifetimeOf(emulator[name].appOnlyToken())).toBe(accessTokenLifetime);
  });

  test('issues ID tokens that are valid for an hour', () => {
    expect(lifetimeOf(emulator[name].idToken())).toBe(3600);
    expect(lifetimeOf(emulator[name].idToken({ lifetimeInSeconds: 60 }))).toBe(60);
  });
});
