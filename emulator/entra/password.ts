import { type EmulatorContext } from '../context';
import { type Call, json, type Reply } from '../http/exchange';
import { userDomain } from '../seed';
import { authenticateClient } from './clientAuthentication';
import { fail } from './errors';
import { checkTenant, findRegistration } from './registrations';
import { tokenForm } from './tokenRequest';

/** MSAL first checks whether another service verifies the passwords of the user's domain. */
export function userRealm(context: EmulatorContext, call: Call): Reply {
  checkTenant(call.params.tenant, true);
  return json(200, {
    ver: '1.0',
    account_type: 'Managed',
    domain_name: (call.params.user ?? '').split('@')[1] ?? userDomain,
    cloud_instance_name: new URL(context.names.issuerOrigin(call)).hostname.replace(/^login\./, ''),
    cloud_audience_urn: 'urn:federation:MicrosoftOnline',
  });
}

/** No user has a password, so every password is wrong. */
export function passwordSignIn(context: EmulatorContext, call: Call): Reply {
  const fields = tokenForm(call);
  checkTenant(call.params.tenant, true);
  const registration = findRegistration(fields.get('client_id'));
  if (!registration.publicClient) authenticateClient(context, call, fields, registration);
  const name = fields.get('username') ?? '';
  if (!context.directory.users.find(name)) {
    fail({
      status: 400,
      error: 'invalid_grant',
      code: 50034,
      message: `The user account ${name} does not exist in the ${userDomain} directory. To sign into this application, the account must be added to the directory.`,
    });
  }
  fail({
    status: 400,
    error: 'invalid_grant',
    code: 50126,
    message: 'Error validating credentials due to invalid username or password.',
  });
}
