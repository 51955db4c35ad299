import {
  absentEntraUser,
  type AuthenticatedUser,
  createAbsentUser,
  userKeyOf,
} from '../authentication/authenticatedUser';
import { b2cIssuer } from '../authentication/b2c/b2cProvider';
import { externalIdIssuers } from '../authentication/externalId/externalIdProvider';
import { anySubject, guidSubject } from '../authentication/oidc/accessTokenChecks';
import type { ProviderConfig } from '../config/providers';

/** The user with this id at the provider; undefined if it has no such ids. */
export function namedUser(provider: ProviderConfig, id: string): AuthenticatedUser | undefined {
  const isGuid = guidSubject.test(id);
  const objectId = id.toLowerCase();
  switch (provider.kind) {
    case 'entra':
      return isGuid ? absentEntraUser(provider.tenantId, objectId) : undefined;
    case 'external_id':
      return isGuid ? absentUser(externalIdIssuers(provider)[0] ?? '', objectId) : undefined;
    case 'b2c':
      return isGuid ? absentUser(b2cIssuer(provider), objectId) : undefined;
    case 'oidc':
      return anySubject.test(id) ? absentUser(provider.issuer, id) : undefined;
  }
}

function absentUser(issuer: string, subject: string): AuthenticatedUser {
  return createAbsentUser({ key: userKeyOf(issuer, subject), issuer, subject });
}
