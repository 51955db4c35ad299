import { randomBytes } from 'node:crypto';
import { createServer, type Server } from 'node:https';
import { type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { acsHandlers } from './acs/acs';
import { projectCertificateFolder } from './certificates/certificateFolders';
import { ensureCertificates } from './certificates/loopbackCertificates';
import { customerHandlers, createCustomers } from './customers/customers';
import { ensurePublicCertificates } from './certificates/publicCertificates';
import { controlPrefix } from './control/actions';
import { controlHandler } from './control/control';
import { approveDevice, declineDevice } from './entra/devicePage';
import { entraHandlers } from './entra/entra';
import { graphHandlers } from './graph/graph';
import { propertiesOf, shown } from './graph/extensions';
import { type Emulator, type EmulatorOptions } from './emulator';
import { CallLog } from './http/callLog';
import { Faults } from './http/faults';
import { Listener } from './http/listener';
import { IssuerKeys } from './entra/issuerKeys';
import { UsedAssertions } from './entra/usedAssertions';
import { managedIdentityHandlers } from './managedIdentity/managedIdentity';
import { identitiesByKey, managedIdentitySettings } from './managedIdentity/settings';
import { Limits } from './limits';
import { Names, publicHostNames } from './names';
import { authClient, authServer, communicationResource, offboardingJob, tenantId } from './seed';
import { DataFolder } from './state/dataFolder';
import { type DeviceGrant } from './state/deviceCodes';
import { Directory } from './state/directory';
import { type Identity } from './state/identities';
import { createSwitches } from './switches';
import { keyPairsIn } from './tokens/keyPairs';
import { SigningKey, SigningKeys } from './tokens/signingKeys';
import { TokenFactory } from './tokens/tokenFactory';
import { type EmulatorContext } from './context';

export type { Emulator, EmulatorOptions } from './emulator';
export { createClientCertificate, type ClientCertificate } from './certificates/clientCertificate';
export type { FederatedCredential } from './state/applications';
export type { Fault } from './http/faults';
export type { User } from './state/users';
export type { Limit, Switches } from './switches';
export { allDefects, type Defect } from './tokens/defects';
export type { AccessTokenOptions, TeamsTokenOptions, TokenOptions } from './tokens/tokenFactory';

/** Starts Entra ID, Microsoft Graph and ACS Identity on one loopback port, with TLS. */
export async function startEmulator(options: EmulatorOptions = {}): Promise<Emulator> {
  refuseProduction();
  const directory = new Directory();
  // Before anything listens, so that a damaged file prevents the start.
  const data = options.dataFolder === undefined ? undefined : new DataFolder(options.dataFolder, directory);
  data?.load();
  const host = options.host ?? '127.0.0.1';
  requireLoopback(host);
  const certificateFolder = options.certificateFolder ?? projectCertificateFolder();
  const certificates = await ensureCertificates(certificateFolder);
  const keyPairs = keyPairsIn(join(certificateFolder, 'keys'));
  const standby = new SigningKey(keyPairs('standby'));
  const keys = new SigningKeys(new SigningKey(keyPairs('signing')), standby);
  // Created on first use: few tokens have such a defect.
  let untrusted: SigningKey | undefined;
  const untrustedKey = (): SigningKey => (untrusted ??= new SigningKey(keyPairs('untrusted')));
  const server = createServer({ cert: certificates.certificate, key: certificates.key });
  const publicNames = options.publicNames
    ? await ensurePublicCertificates(certificates, certificateFolder)
    : undefined;
  if (publicNames) {
    const { certificate: cert, key } = publicNames;
    for (const name of publicHostNames) server.addContext(name, { cert, key });
  }
  // Longer than any client keeps an idle connection: a server that closes first may lose a request.
  server.keepAliveTimeout = 70_000;
  const port = await listen(server, options.port ?? 0, host);
  const url = `https://localhost:${port}`;
  const { switches, clock, reset: resetSwitches } = createSwitches();
  const tokenFactory = new TokenFactory({ url, clock, keys, untrustedKey, users: directory.users, switches });
  const limits = new Limits(clock);
  const names = new Names(url, publicNames !== undefined);
  const context: EmulatorContext = {
    url,
    names,
    issuerKeys: new IssuerKeys(directory.applications),
    usedAssertions: new UsedAssertions(),
    clock,
    directory,
    tokenFactory,
    limits,
    switches,
    keys,
    communicationKey: new SigningKey(keyPairs('communication')),
    secret: randomBytes(32),
  };
  const customers = createCustomers({
    url,
    clock,
    users: directory.users,
    keyPairs,
    standby,
    untrustedKey,
  });
  const faults = new Faults();
  const log = new CallLog();
  const mappingKey = options.mappingKey ?? randomBytes(32).toString('base64');
  const connectionString = `endpoint=${url}/;accesskey=${communicationResource.accessKey}`;

  const serverSettings = {
    AZURE_TENANT_ID: tenantId,
    AZURE_CLIENT_ID: authServer.clientId,
    AZURE_CLIENT_SECRET: authServer.clientSecret,
    AZURE_AUTHORITY_HOST: url,
    GRAPH_ENDPOINT: url,
    IDENTITY_MAPPING_KEY: mappingKey,
  };

  const waitingDevice = (userCode: string): DeviceGrant => {
    const grant = directory.deviceCodes.waiting(userCode, clock());
    if (!grant) throw new Error(`No device waits with the code "${userCode}"`);
    return grant;
  };

  const emulator: Emulator = {
    url,
    authorityFile: certificates.authorityFile,
    publicNames: publicNames && { hosts: publicHostNames, trustFile: publicNames.trustFile },
    tenantId,
    authServer: pick(authServer, 'clientId', 'clientSecret', 'appIdUri', 'servicePrincipalId'),
    authClient: {
      ...pick(authClient, 'clientId', 'clientSecret'),
      redirectUris: [
        ...authClient.webRedirectUris,
        ...authClient.spaRedirectUris,
        ...authClient.nativeRedirectUris,
      ],
    },
    users: directory.users.seeded,
    offboardingJob: pick(offboardingJob, 'clientId', 'clientSecret', 'servicePrincipalId'),
    externalId: customers.externalId,
    b2c: customers.b2c,
    applications: directory.applications,
    communicationResource: { ...pick(communicationResource, 'id', 'otherId'), connectionString },
    managedIdentities: identitiesByKey(),
    switches,
    settings: () => ({ ...serverSettings, COMMUNICATION_SERVICES_CONNECTION_STRING: connectionString }),
    managedIdentitySettings: ({ userAssigned = false } = {}) => ({
      ...serverSettings,
      ...managedIdentitySettings(url, userAssigned),
    }),
    reset: () => {
      directory.reset();
      resetSwitches();
      faults.clear();
      limits.clear();
      context.issuerKeys.clear();
      context.usedAssertions.clear();
      customers.reset();
      log.clear();
      listener.releaseHanging();
    },
    addUser: (name, teamsLicence) => directory.users.add(name, teamsLicence),
    accessToken: (tokenOptions) => tokenFactory.accessToken(tokenOptions),
    idToken: (tokenOptions) => tokenFactory.idToken(tokenOptions),
    graphToken: (tokenOptions) => tokenFactory.graphToken(tokenOptions),
    appOnlyToken: (tokenOptions) => tokenFactory.appOnlyToken(tokenOptions),
    administratorToken: (tokenOptions) => tokenFactory.administratorToken(tokenOptions),
    teamsToken: (tokenOptions) => tokenFactory.teamsToken(tokenOptions),
    fail: (fault) => faults.add(fault),
    clearFaults: () => {
      faults.clear();
      listener.releaseHanging();
    },
    delay: (operation, milliseconds) => faults.delay(operation, milliseconds),
    heldCalls: () => listener.heldCalls(),
    rotateKeys: ({ keepOld = false } = {}) => keys.rotate(keepOld),
    waitingDevices: () =>
      directory.deviceCodes
        .allWaiting(clock())
        .map(({ userCode, clientId, scope }) => ({ userCode, clientId, scope })),
    approveDevice: (userCode, user = 'alice') => approveDevice(context, waitingDevice(userCode), user),
    declineDevice: (userCode) => declineDevice(waitingDevice(userCode)),
    calls: () => log.counts(),
    callsTo: (prefix) => log.countOf(prefix),
    requests: (filter) => log.requests(filter),
    observe: (operation, request, response) => listener.observe(operation, request, response),
    identities: () => directory.identities.all().map(datedIdentity),
    createIdentity: () => directory.identities.create(clock()).id,
    deleteIdentity: (id) => void directory.identities.delete(id),
    createForeignIdentity: () => directory.identities.createForeign(),
    mappings: () =>
      directory.extensions
        .all()
        .map(({ userObjectId, extension }) => ({ userObjectId, extension: shown(extension) })),
    setExtension: (userObjectId, extension, creatorApp = authClient.clientId) => {
      const name = extension.extensionName ?? extension.id;
      if (typeof name !== 'string') throw new Error('An extension needs an extensionName');
      directory.extensions.put(userObjectId, { name, properties: propertiesOf(extension), creatorApp });
    },
    removeExtension: (userObjectId, extensionName) =>
      directory.extensions.remove(userObjectId, extensionName),
    stop: async () => {
      await stop(server);
      data?.close();
    },
  };
  const listener = new Listener({
    names,
    handlers: {
      ...entraHandlers(context),
      ...customerHandlers(customers),
      ...graphHandlers(context),
      ...acsHandlers(context),
      ...managedIdentityHandlers(context),
    },
    faults,
    log,
    control: { prefix: controlPrefix, handler: controlHandler(emulator) },
  });
  server.on('request', (request, response) => {
    // The services' clock, so that a client can detect that its own clock is wrong.
    response.setHeader('date', new Date(clock()).toUTCString());
    // Most changes come over HTTP. Changes that a test makes in the process are saved with the next call, or at the stop.
    if (data) response.on('close', () => data.changed());
    listener.listen(request, response);
  });
  return emulator;
}

/** It issues tokens to any caller, so it must not run with real services. */
export function refuseProduction(): void {
  if (process.env.NODE_ENV === 'production') {
    throw new Error('The emulator does not start with NODE_ENV=production');
  }
}

function requireLoopback(host: string): void {
  if (/^(localhost|::1|127(\.\d{1,3}){3})$/.test(host)) return;
  throw new Error(`The emulator listens on loopback addresses only, not on ${host}`);
}

function listen(server: Server, port: number, host: string): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, () => {
      server.off('error', reject);
      resolve((server.address() as AddressInfo).port);
    });
  });
}

function stop(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}

function datedIdentity({ createdAt, lastTokenIssuedAt, ...identity }: Identity) {
  return {
    ...identity,
    createdAt: new Date(createdAt),
    ...(lastTokenIssuedAt === undefined ? {} : { lastTokenIssuedAt: new Date(lastTokenIssuedAt) }),
  };
}

function pick<T, K extends keyof T>(from: T, ...names: K[]): Pick<T, K> {
  return Object.fromEntries(names.map((name) => [name, from[name]])) as Pick<T, K>;
}
