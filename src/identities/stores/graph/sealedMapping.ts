import type { AuthenticatedUser } from '../../../authentication/authenticatedUser';
import { ApiError } from '../../../errors';
import type { ExtensionProperties } from '../../../graph/extensionClient';
import type { StoredMapping } from '../../mappingStore';
import type { MappingSeal, SealedContent } from './mappingSeal';

/** Graph has no ETags for open extensions: a mapping is recognized by the claim in it. */
export class GraphVersion {
  /**
   * @param claim of the instance that deletes the identity; absent in a mapping that may be used
   * @param replaced for a claim that was just written: the version before it, which a stale read may still show
   */
  constructor(
    readonly claim: string | undefined,
    readonly replaced?: GraphVersion,
  ) {}
}

/** A mapping as read from Graph, its seal checked. */
export interface GraphMapping extends StoredMapping {
  readonly version: GraphVersion;
  /**
   * `previous_key`: sealed with a key that is being rotated out. `unsigned`: without a seal, as the original sample wrote it.
   * `broken`: someone else wrote it.
   */
  readonly trust: 'sealed' | 'previous_key' | 'unsigned' | 'broken';
}

/** Converts between mappings and the properties of the open extension. */
export interface SealedMappingFormat {
  toProperties(user: AuthenticatedUser, content: SealedContent): ExtensionProperties;
  parse(user: AuthenticatedUser, properties: ExtensionProperties): GraphMapping;
}

/** @param adoptUnsigned trust mappings without any seal, as the original sample wrote them */
export function createSealedMappingFormat(seal: MappingSeal, adoptUnsigned: boolean): SealedMappingFormat {
  return {
    toProperties: (user, { communicationUserId, deletion }) => ({
      // The property of the original sample, so that a directory can be shared with it.
      acsUserIdentity: communicationUserId,
      ...(deletion === undefined ? {} : { deletion }),
      sealVersion: seal.version,
      seal: seal.seal(user, { communicationUserId, deletion }),
    }),

    parse(user, properties) {
      const {
        acsUserIdentity: communicationUserId,
        deletion: claim,
        sealVersion,
        seal: sealText,
      } = properties;
      if (typeof communicationUserId !== 'string' || communicationUserId === '') return brokenMapping;
      if (sealText === undefined && sealVersion === undefined && claim === undefined) {
        return {
          communicationUserId,
          pendingDeletion: false,
          trust: 'unsigned',
          untrusted: adoptUnsigned ? undefined : notTrusted('seal_missing'),
          version: new GraphVersion(undefined),
        };
      }
      if (claim !== undefined && typeof claim !== 'string') return brokenMapping;
      const verified = seal.verify(user, { communicationUserId, deletion: claim }, sealVersion, sealText);
      if (!verified) return brokenMapping;
      return {
        communicationUserId,
        pendingDeletion: claim !== undefined,
        trust: verified === 'current' ? 'sealed' : 'previous_key',
        version: new GraphVersion(claim),
      };
    },
  };
}

/** With a seal that is not ours or not for this user, or without an identity: someone else wrote it. */
const brokenMapping: GraphMapping = {
  communicationUserId: '',
  pendingDeletion: false,
  trust: 'broken',
  get untrusted() {
    return notTrusted('seal_broken');
  },
  version: new GraphVersion(undefined),
};

function notTrusted(reason: 'seal_missing' | 'seal_broken'): ApiError {
  return new ApiError(
    'mapping_not_trusted',
    'Your identity mapping in Microsoft Entra ID was not written by this server, so it is not used. ' +
      'Delete it with DELETE /api/user (which does not delete the identity that it names), then request a token again.',
    { innererror: { code: reason } },
  );
}
