import { absentEntraUser } from '../../src/authentication/authenticatedUser';
import { createCommunicationUsers } from '../../src/identities/communicationUsers';
import { createPendingWork } from '../../src/resilience/pendingWork';
import { createIssuedTokenCache } from '../../src/tokens/issuedTokenCache';

const unused = () => Promise.reject(new Error('not used'));
const user = absentEntraUser('11111111-1111-4111-8111-111111111111', '22222222-2222-4222-8222-222222222222');
const token = { token: 'a-token', expiresOn: new Date('2026-01-02') };

/** A user whose identities another instance deletes before their token is issued, until one is created with its token. */
function usersAfterDeletions(deletions: number) {
  let replaced = 0;
  return createCommunicationUsers({
    lifecycle: {
      find: unused,
      delete: unused,
      findOrCreate: () => Promise.resolve({ communicationUserId: 'user-0', created: false }),
      replace() {
        replaced += 1;
        const communicationUserId = `user-${replaced}`;
        return Promise.resolve(
          replaced === deletions
            ? { communicationUserId, created: true, token }
            : { communicationUserId, created: false },
        );
      },
    },
    acs: {
      createUser: unused,
      createUserWithToken: unused,
      issueToken: () => Promise.resolve('gone'),
      deleteUser: unused,
      exchangeTeamsToken: unused,
    },
    issuedTokens: createIssuedTokenCache({ reuseInMinutes: 0, size: 1 }),
    pendingWork: createPendingWork(),
    mappingCacheSize: 1,
    mappingCacheMinutes: 0,
    workTimeLimitInMs: 60_000,
    reuseCheckInMs: 60_000,
  });
}

const issueToken = (deletions: number) =>
  usersAfterDeletions(deletions).issueToken(user, { fresh: false }, new AbortController().signal);

it.each([1, 2, 3])(
  'the token of the identity that replaced the last of %i is returned',
  async (deletions) => {
    await expect(issueToken(deletions)).resolves.toEqual({
      communicationUserId: `user-${deletions}`,
      ...token,
    });
  },
);

it('identities are not replaced without end', async () => {
  await expect(issueToken(4)).rejects.toMatchObject({ code: 'upstream_invalid_response' });
});
