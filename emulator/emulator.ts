import { type IncomingMessage, type ServerResponse } from 'node:http';
import { type LoggedRequest, type RequestFilter } from './http/callLog';
import { type Fault } from './http/faults';
import { type CustomerTenant } from './customers/customerTenant';
import { type ManagedIdentities } from './managedIdentity/settings';
import { type Applications } from './state/applications';
import { type SeededUsers, type User } from './state/users';
import { type Switches } from './switches';
import { type AccessTokenOptions, type TeamsTokenOptions, type TokenOptions } from './tokens/tokenFactory';

export interface EmulatorOptions {
  /** Default 0: any free port. */
  port?: number;
  /** The loopback address to listen on. Default 127.0.0.1. */
  host?: string;
  /** Where its certificate authority, certificate and signing keys are kept; created at the first start. */
  certificateFolder?: string;
  /** Respond as login.microsoftonline.com, graph.microsoft.com, <any>.communication.azure.com and so on, too. */
  publicNames?: boolean;
  /** Keeps users, mappings and identities across restarts in this folder; without it everything stays in memory. */
  dataFolder?: string;
  /** The IDENTITY_MAPPING_KEY among the settings. Default: a random one. */
  mappingKey?: string;
}

/** A running emulator, for a test or a launcher in the same process. */
export interface Emulator {
  /** `https://localhost:<port>`: the same for Entra, Graph and ACS. */
  readonly url: string;
  /** The certificate authority that clients must trust, in PEM: the file to name in NODE_EXTRA_CA_CERTS. */
  readonly authorityFile: string;
  /** The public names that it also has, and the file with the authorities that a client must trust. */
  readonly publicNames: { hosts: readonly string[]; trustFile: string } | undefined;
  readonly tenantId: string;
  /** The registration of the API. */
  readonly authServer: {
    clientId: string;
    clientSecret: string;
    appIdUri: string;
    servicePrincipalId: string;
  };
  /** The registration of the API's clients: a web app, and a single-page app that uses PKCE. */
  readonly authClient: { clientId: string; clientSecret: string; redirectUris: string[] };
  /** The registration of a daemon that may erase users. */
  readonly offboardingJob: { clientId: string; clientSecret: string; servicePrincipalId: string };
  /** The credentials and consents of the registrations, which can change at any time. */
  readonly applications: Applications;
  /** Carol has a Teams license. */
  readonly users: SeededUsers;
  readonly communicationResource: { id: string; connectionString: string; otherId: string };
  /** A tenant of Microsoft Entra External ID, and one of Azure AD B2C, with the same users. */
  readonly externalId: CustomerTenant;
  readonly b2c: CustomerTenant;
  /** Those of an emulated App Service: two with the role at the communication resource, one without. */
  readonly managedIdentities: ManagedIdentities;
  /** The environment of a server that is to use this emulator. */
  settings(): Record<string, string>;
  /** The same with a managed identity instead of an access key: the system-assigned one unless `userAssigned`. */
  managedIdentitySettings(options?: { userAssigned?: boolean }): Record<string, string>;
  /** Restores the initial state, except the keys. */
  reset(): void;
  addUser(name?: string, teamsLicence?: boolean): User;

  /** For the API. By default Alice's, and valid. */
  accessToken(options?: AccessTokenOptions): string;
  idToken(options?: TokenOptions): string;
  graphToken(options?: TokenOptions): string;
  appOnlyToken(options?: TokenOptions): string;
  /** OffboardingJob's own, with the application role that permits it to erase users. */
  administratorToken(options?: TokenOptions): string;
  /** A Teams user's token, for the exchange. By default Carol's. */
  teamsToken(options?: TeamsTokenOptions): string;

  fail(fault: Fault): void;
  /** Ends all faults and delays. */
  clearFaults(): void;
  /** Delays every call of the operation, or of the operations with that prefix, before it is processed. */
  delay(operation: string, milliseconds: number): void;
  /** How many calls wait now because of a fault or a delay. */
  heldCalls(): number;
  /** From now on tokens are signed with a new key; the old one is withdrawn unless `keepOld`. */
  rotateKeys(options?: { keepOld?: boolean }): void;
  readonly switches: Switches;

  /** Devices that wait for a user's approval, … */
  waitingDevices(): { userCode: string; clientId: string; scope: string }[];
  /** … which is given, or refused, by the code that they show. */
  approveDevice(userCode: string, user?: string): void;
  declineDevice(userCode: string): void;

  /** Counts by operation since the reset, … */
  calls(): Record<string, number>;
  /** … of one operation or prefix, … */
  callsTo(prefix: string): number;
  /** … and the latest requests, oldest first, or those of a client request id or since a time. */
  requests(filter?: RequestFilter): LoggedRequest[];

  /** Records a call to another service as one of the emulator's. */
  observe(operation: string, request: IncomingMessage, response: ServerResponse): void;

  /** The existing identities. */
  identities(): { id: string; createdAt: Date; customId?: string | undefined; lastTokenIssuedAt?: Date }[];
  /** Creates an identity without the server knowing … */
  createIdentity(): string;
  /** … deletes one, … */
  deleteIdentity(id: string): void;
  /** … or creates one in another communication resource. */
  createForeignIdentity(): string;
  /** The open extensions of all users, from any app. */
  mappings(): { userObjectId: string; extension: Record<string, unknown> }[];
  /** Writes an extension, as an app with User.ReadWrite can: `extensionName` (or `id`) names it. */
  setExtension(userObjectId: string, extension: Record<string, unknown>, creatorApp?: string): void;
  removeExtension(userObjectId: string, extensionName: string): void;

  stop(): Promise<void>;
}
