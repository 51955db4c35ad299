import type { Emulator } from '../../emulator/emulator';
import type { User } from '../../emulator/startEmulator';
import { createEntraUser } from '../../src/authentication/entra/entraProvider';
import { createMappingSeal } from '../../src/identities/stores/graph/mappingSeal';

export const extensionName = 'com.contoso.identityMapping';

/** The mapping of a user in the directory; undefined if there is none. */
export function mappingOf(emulator: Emulator, { objectId }: User): Record<string, unknown> | undefined {
  return emulator
    .mappings()
    .find(({ userObjectId, extension }) => userObjectId === objectId && extension.id === extensionName)
    ?.extension;
}

/** Checks that each mapped user has one identity and that no identity is unmapped. Returns the number of users. */
export function expectOneIdentityEach(emulator: Emulator): number {
  const mappings = emulator.mappings();
  const mapped = mappings.map(({ extension }) => extension.acsUserIdentity);
  const existing = emulator.identities().map(({ id }) => id);
  expect(existing.sort()).toEqual(mapped.sort());
  expect(new Set(mappings.map(({ userObjectId }) => userObjectId)).size).toBe(mappings.length);
  return mappings.length;
}

/**
 * Writes a mapping for a user, sealed as a server of this emulator would seal it.
 * `deletion`: the claim of a server that no longer exists.
 */
export function setSealedMapping(
  emulator: Emulator,
  user: User,
  communicationUserId: string,
  { deletion }: { deletion?: string } = {},
): void {
  const { IDENTITY_MAPPING_KEY: key = '' } = emulator.settings();
  const seal = createMappingSeal([Buffer.from(key, 'base64')]);
  const claims = { tid: emulator.tenantId, oid: user.objectId };
  emulator.setExtension(
    user.objectId,
    {
      extensionName,
      acsUserIdentity: communicationUserId,
      ...(deletion === undefined ? {} : { deletion }),
      sealVersion: seal.version,
      seal: seal.seal(
        createEntraUser({ jwt: { header: {}, claims }, accessToken: '', accessTokenHash: '' }),
        {
          communicationUserId,
          deletion,
        },
      ),
    },
    emulator.authServer.clientId,
  );
}
