import { authClient, authServer, offboardingJob, tenantId, tenantName, userDomain } from '../seed';
import { NotEmulated } from '../http/exchange';
import { type Platform } from '../state/signIns';
import { fail } from './errors';
import { type ResourceName } from './resources';

export interface Registration {
  clientId: string;
  name: string;
  servicePrincipalId: string;
  webRedirectUris: readonly string[];
  spaRedirectUris: readonly string[];
  nativeRedirectUris: readonly string[];
  /** Whether a client without a credential may use it ("Allow public client flows"). */
  publicClient: boolean;
  /** The permissions that the registration lists: `.default` requires consent to all of them. */
  permissions: Partial<Record<ResourceName, readonly string[]>>;
}

const noRedirectUris = { webRedirectUris: [], spaRedirectUris: [], nativeRedirectUris: [] };

const registrations: Registration[] = [
  { ...authServer, ...noRedirectUris, publicClient: false },
  { ...authClient, publicClient: true },
  { ...offboardingJob, ...noRedirectUris, publicClient: false },
];

export function findRegistration(clientId: string | null): Registration {
  if (!clientId) {
    fail({
      status: 400,
      error: 'invalid_request',
      code: 900144,
      message: "The request body must contain the following parameter: 'client_id'.",
    });
  }
  return (
    registrations.find((registration) => registration.clientId === clientId.toLowerCase()) ??
    fail({
      status: 400,
      error: 'unauthorized_client',
      code: 700016,
      message:
        `Application with identifier '${clientId}' was not found in the directory '${tenantName}'. This can happen if ` +
        'the application has not been installed by the administrator of the tenant or consented to by any user in the ' +
        'tenant. You may have sent your authentication request to the wrong tenant.',
    })
  );
}

export function isRegisteredRedirectUri(uri: string): boolean {
  return registrations.some((registration) => findPlatform(registration, uri, true));
}

/**
 * The platform that a redirect URI is registered under. On localhost the port is ignored, unless it distinguishes two platforms. If it does
 * not, a request with PKCE is treated as one of a single-page app.
 */
export function findPlatform(
  registration: Registration,
  uri: string,
  hasProofKey: boolean,
): Platform | undefined {
  const { webRedirectUris: web, spaRedirectUris: spa, nativeRedirectUris: native } = registration;
  if (native.includes(uri)) return 'native';
  if (web.includes(uri)) return 'web';
  if (spa.includes(uri)) return 'spa';
  const withoutPort = (candidate: string): string => candidate.replace(/^(http:\/\/localhost):\d+/, '$1');
  const listed = (uris: readonly string[]): boolean => uris.map(withoutPort).includes(withoutPort(uri));
  if (listed(spa) && (hasProofKey || !listed(web))) return 'spa';
  return listed(web) ? 'web' : undefined;
}

/** The names under which all tenants are reached. */
export function sharedTenant(tenant: string | undefined): string | undefined {
  return ['common', 'organizations'].find((name) => name === tenant?.toLowerCase());
}

export function checkTenant(tenant: string | undefined, allowShared = false): void {
  if ([tenantId, userDomain].includes(tenant?.toLowerCase() ?? '')) return;
  const shared = sharedTenant(tenant);
  if (shared && allowShared) return;
  if (shared) throw new NotEmulated(`This grant under ${shared}`);
  if (tenant?.toLowerCase() === 'consumers') throw new NotEmulated('The tenant of personal accounts');
  if (!/^[0-9a-f-]{36}$|\./i.test(tenant ?? '')) {
    fail({
      status: 400,
      error: 'invalid_request',
      code: 900023,
      message:
        `Specified tenant identifier '${tenant ?? ''}' is neither a valid DNS name, nor a valid external ` +
        'domain.',
    });
  }
  fail({
    status: 400,
    error: 'invalid_tenant',
    code: 90002,
    message:
      `Tenant '${tenant ?? ''}' not found. Check to make sure you have the correct tenant ID and are signing into the ` +
      'correct cloud. Check with your subscription administrator, this may happen if there are no active ' +
      'subscriptions for the tenant.',
  });
}
