import { type EmulatorContext } from '../context';
import { type User } from '../state/users';
import { type EntraFailure, fail } from './errors';
import { type Registration } from './registrations';
import { type ResourceName } from './resources';
import { type RequestedScopes } from './scopes';

/** The permissions without consent, by resource. */
export function missingConsent(
  context: EmulatorContext,
  registration: Registration,
  scopes: RequestedScopes,
  userObjectId?: string,
): [ResourceName, string[]][] {
  const { applications } = context.directory;
  return (Object.keys(scopes.resources) as ResourceName[]).flatMap((resource) => {
    const consented = applications.consented(registration.clientId, resource, userObjectId);
    const missing = (scopes.resources[resource] ?? []).flatMap(({ permission }) => {
      if (permission !== undefined) return consented.includes(permission) ? [] : [permission];
      return consented.length > 0 ? [] : (registration.permissions[resource] ?? ['.default']);
    });
    return missing.length > 0 ? [[resource, missing] as [ResourceName, string[]]] : [];
  });
}

/** Without a page to ask for consent, missing consent is an error. */
export function checkConsent(
  context: EmulatorContext,
  registration: Registration,
  user: User,
  scopes: RequestedScopes,
): void {
  if (missingConsent(context, registration, scopes, user.objectId).length > 0) consentMissing(registration);
}

/** A user who signs in on the page gives the consent that is missing, as on Entra's consent screen. */
export function giveConsent(
  context: EmulatorContext,
  registration: Registration,
  user: User,
  scopes: RequestedScopes,
): void {
  for (const [resource, permissions] of missingConsent(context, registration, scopes, user.objectId)) {
    const known = permissions.filter((permission) => permission !== '.default');
    context.directory.applications.grantConsent(registration.clientId, resource, known, user.objectId);
  }
}

export function consentMissing(registration: Registration): never {
  fail({ ...consentFailure(registration), error: 'invalid_grant', suberror: 'consent_required' });
}

export function consentFailure(registration: Registration): EntraFailure {
  return {
    status: 400,
    error: 'interaction_required',
    code: 65001,
    message:
      `The user or administrator has not consented to use the application with ID '${registration.clientId}' named ` +
      `'${registration.name}'. Send an interactive authorization request for this user and resource.`,
  };
}
