import { parseResourceId } from '../acs/acsIdentityClient';
import { ApiError } from '../errors';

/**
 * Which Communication Services resource an identity belongs to. The server learns the id of its own resource from the first identity that
 * it creates. Until then, and for ids of an unknown form, nothing is certain.
 */
export interface ResourceOwnership {
  /** Call it with each identity that this server creates. */
  learnFrom(communicationUserId: string): void;
  isKnown(): boolean;
  /** False if the id does not name its resource. */
  namesResource(communicationUserId: string): boolean;
  /** True only if it is certain. */
  belongsToThisResource(communicationUserId: string): boolean;
  /** True only if it is certain. */
  belongsToAnotherResource(communicationUserId: string): boolean;
}

export function createResourceOwnership(): ResourceOwnership {
  let ownResource: string | undefined;
  return {
    learnFrom(communicationUserId) {
      ownResource = parseResourceId(communicationUserId) ?? ownResource;
    },
    isKnown: () => ownResource !== undefined,
    namesResource: (communicationUserId) => parseResourceId(communicationUserId) !== undefined,
    belongsToThisResource: (communicationUserId) =>
      ownResource !== undefined && parseResourceId(communicationUserId) === ownResource,
    belongsToAnotherResource(communicationUserId) {
      const resource = parseResourceId(communicationUserId);
      return ownResource !== undefined && resource !== undefined && resource !== ownResource;
    },
  };
}

/** @param removalHint how the operator removes the mapping by hand */
export function wrongResourceError(removalHint: string): ApiError {
  return new ApiError(
    'mapping_of_other_resource',
    'Your identity belongs to another Communication Services resource than the one this server uses. Most likely ' +
      "COMMUNICATION_SERVICES_CONNECTION_STRING names the wrong resource: the server's operator must correct it. " +
      `If the resource was changed on purpose, remove the old mapping ${removalHint}.`,
  );
}
