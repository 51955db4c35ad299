import { type EmulatorContext } from '../context';
import { type Call, form, type Reply } from '../http/exchange';
import { type DeviceGrant } from '../state/deviceCodes';
import { deviceApprovalPage, deviceCodePage, deviceDonePage } from './devicePages';
import { giveConsent, missingConsent } from './consent';
import { checkTenant, findRegistration } from './registrations';
import { parseScopes } from './scopes';

const notWaiting = 'This code is unknown, was used, or has expired. Check it on the device.';
const maxUsersOnPage = 20;

/** The page to enter the code of a device. */
export function devicePage(_context: EmulatorContext, call: Call): Reply {
  checkTenant(call.params.tenant, true);
  return deviceCodePage({ action: call.path, code: call.query.get('otc') ?? '' });
}

/** The code was entered; or then a user was chosen, or the device was declined. */
export function deviceSignIn(context: EmulatorContext, call: Call): Reply {
  checkTenant(call.params.tenant, true);
  const fields = form(call);
  const code = fields.get('code') ?? '';
  const grant = context.directory.deviceCodes.waiting(code, context.clock());
  if (!grant) return deviceCodePage({ action: call.path, code, problem: notWaiting });
  const who = fields.get('user');
  if (fields.has('decline')) {
    declineDevice(grant);
    return deviceDonePage(false);
  }
  if (who !== null) {
    approveDevice(context, grant, who);
    return deviceDonePage(true);
  }
  const registration = findRegistration(grant.clientId);
  const scopes = parseScopes(grant.scope, registration, context.url);
  return deviceApprovalPage({
    action: call.path,
    code: grant.userCode,
    users: context.directory.users.all().slice(0, maxUsersOnPage),
    application: registration.name,
    permissions: grant.scope.split(/\s+/).map((scope) => scope.slice(scope.lastIndexOf('/') + 1)),
    newPermissions: missingConsent(context, registration, scopes).flatMap(([, names]) => names),
  });
}

export function approveDevice(context: EmulatorContext, grant: DeviceGrant, who: string): void {
  const user = context.directory.users.find(who);
  if (!user) throw new Error(`The emulator has no user "${who}"`);
  const registration = findRegistration(grant.clientId);
  giveConsent(context, registration, user, parseScopes(grant.scope, registration, context.url));
  grant.userObjectId = user.objectId;
  grant.state = 'approved';
}

export function declineDevice(grant: DeviceGrant): void {
  grant.state = 'declined';
}
