import { currentCertificateFolder } from './certificates/certificateFolders';
import { type Emulator, type EmulatorOptions, startEmulator as start } from './startEmulator';

export {
  type AccessTokenOptions,
  allDefects,
  type ClientCertificate,
  createClientCertificate,
  type Defect,
  type Emulator,
  type EmulatorOptions,
  type Fault,
  type FederatedCredential,
  type Limit,
  type Switches,
  type TeamsTokenOptions,
  type TokenOptions,
  type User,
} from './startEmulator';

/**
 * Starts Entra ID, Microsoft Graph and ACS Identity on one loopback port, with TLS. Its certificates are kept in
 * `.emulator` in the current folder, unless `certificateFolder` names another.
 */
export function startEmulator(options: EmulatorOptions = {}): Promise<Emulator> {
  return start({ ...options, certificateFolder: options.certificateFolder ?? currentCertificateFolder() });
}
