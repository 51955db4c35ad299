import { Applications } from './applications';
import { DeviceCodes } from './deviceCodes';
import { Identities } from './identities';
import { OpenExtensions } from './openExtensions';
import { SignIns } from './signIns';
import { Users } from './users';

/** The state of the three services. */
export class Directory {
  readonly applications = new Applications();
  readonly users = new Users();
  readonly extensions = new OpenExtensions();
  readonly identities = new Identities();
  readonly signIns = new SignIns();
  readonly deviceCodes = new DeviceCodes();

  reset(): void {
    this.applications.reset();
    this.users.reset();
    this.extensions.clear();
    this.identities.clear();
    this.signIns.clear();
    this.deviceCodes.clear();
  }
}
