import { startSystem, type System } from '../support/startSystem';

let system: System;
beforeAll(async () => (system = await startSystem()));
afterEach(() => system.emulator.reset());
afterAll(() => system.stop());

const tokenBody = {
  token: expect.stringMatching(/^eyJ/),
  expiresOn: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
  user: { communicationUserId: expect.stringMatching(/^8:acs:/) },
};

describe('a user without an identity', () => {
  it('gets one, and a token for it', async () => {
    const { emulator } = system;
    const response = await system.call('get', '/getToken', emulator.accessToken());
    expect({ status: response.status, body: response.body }).toEqual({ status: 200, body: tokenBody });
    expect(emulator.identities()).toEqual([
      expect.objectContaining({ id: response.body.user.communicationUserId }),
    ]);
    expect(emulator.calls()).toEqual({
      'entra.token.on_behalf_of': 1,
      'graph.me': 1,
      'acs.identity.create': 1,
      'graph.extension.create': 1,
    });
  });
});
