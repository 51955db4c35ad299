import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type ClientCertificate, createClientCertificate } from '../../emulator/startEmulator';
import { tokenLifetimeInSeconds } from '../../emulator/tokens/tokenFactory';
import { fakeDate } from '../support/clock';
import { startSystem, type System, type TestServer } from '../support/startSystem';
import { createTokenIssuer } from '../support/tokenIssuer';
import { until } from '../support/until';

/** The credentials that the server reads again by itself. Every request uses them. */
const uncached = { TOKEN_REUSE_MINUTES: '0', IDENTITY_CACHE_MINUTES: '0', OBO_TOKEN_CACHE_SIZE: '1' };
const cluster = createTokenIssuer();
let system: System;
let folder: string;
let certificateFile: string;
let tokenFile: string;
let certificate: ClientCertificate;
let newer: ClientCertificate;
const environment = { ...process.env };

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'credential-renewal-'));
  certificateFile = join(folder, 'certificate.pem');
  tokenFile = join(folder, 'token');
  [system, certificate, newer] = await Promise.all([
    startSystem(uncached),
    createClientCertificate(),
    createClientCertificate(),
  ]);
  const { IDENTITY_ENDPOINT, IDENTITY_HEADER } = system.emulator.managedIdentitySettings();
  Object.assign(process.env, { IDENTITY_ENDPOINT, IDENTITY_HEADER });
});
beforeEach(async () => {
  system.emulator.reset();
  // Entra ID accepts only the credential of the test.
  system.emulator.applications.withdrawSecret('AuthServer');
  await writeFile(certificateFile, pem(certificate));
});
afterEach(() => jest.useRealTimers());
afterAll(async () => {
  process.env = environment;
  await system.stop();
  await rm(folder, { recursive: true });
});

const pem = ({ privateKey, certificate: text }: ClientCertificate) => `${privateKey}\n${text}`;
/** Replaces the file atomically, as Kubernetes does. */
async function replace(file: string, text: string): Promise<void> {
  await writeFile(`${file}.new`, text);
  await rename(`${file}.new`, file);
}
function trust(issuer: string, subject: string, jwks?: { keys: object[] }): void {
  system.emulator.applications.addFederatedCredential('AuthServer', {
    issuer,
    subject,
    ...(jwks ? { jwks } : {}),
  });
}
const trustCluster = () => trust(cluster.issuer, cluster.subject, cluster.jwks);

type PassTime = (milliseconds: number) => Promise<void>;
const minute = 60_000;
/** Reused for one minute: a new token is requested when less than five minutes are left. */
const managedIdentityLifetimeInSeconds = 360;

interface Renewal {
  settings: () => Record<string, string>;
  register: () => void;
  /** Entra ID accepts both, … */
  renew: () => Promise<void>;
  /** … then only the new one. Some expire, for which the shared clock is moved. */
  withdrawOld: (passTime: PassTime, allEnded: () => Promise<void>) => Promise<void>;
  /** Checks that the new one is used. */
  expectNew: (server: TestServer) => void;
}

/** To a minute before tokens with this lifetime expire, and then past it: requests in between get new ones. */
const passLifetime =
  (seconds: number): Renewal['withdrawOld'] =>
  async (passTime, allEnded) => {
    await passTime(seconds * 1_000 - minute);
    await allEnded();
    await allEnded();
    await passTime(2 * minute);
  };

const tokenFileRenewal = {
  renew: () => replace(tokenFile, cluster.token(3 * 3_600)),
  withdrawOld: passLifetime(tokenLifetimeInSeconds),
  expectNew: () => undefined,
};
const renewals: Record<string, Renewal> = {
  'the certificate': {
    settings: () => ({ AZURE_CLIENT_CERTIFICATE_PATH: certificateFile }),
    register: () => void system.emulator.applications.addCertificate('AuthServer', certificate.certificate),
    async renew() {
      system.emulator.applications.addCertificate('AuthServer', newer.certificate);
      await replace(certificateFile, pem(newer));
    },
    withdrawOld() {
      system.emulator.applications.removeCertificate('AuthServer', certificate.sha1);
      return Promise.resolve();
    },
    expectNew({ rawLog }) {
      const lines = rawLog.filter((line) => line.includes('loaded the client certificate'));
      expect(lines.map((line) => JSON.parse(line) as unknown)).toMatchObject([
        { thumbprint: certificate.sha1.toUpperCase() },
        { thumbprint: newer.sha1.toUpperCase() },
      ]);
    },
  },
  "Kubernetes' token for On-Behalf-Of": {
    ...tokenFileRenewal,
    settings: () => ({ AZURE_FEDERATED_TOKEN_FILE: tokenFile }),
    register: trustCluster,
  },
  "Kubernetes' token for Communication Services": {
    ...tokenFileRenewal,
    settings: () => ({
      IDENTITY_STORE: 'acs',
      AZURE_FEDERATED_TOKEN_FILE: tokenFile,
      MANAGED_IDENTITY_CLIENT_ID: system.emulator.authServer.clientId,
      COMMUNICATION_SERVICES_CONNECTION_STRING: '',
      COMMUNICATION_SERVICES_ENDPOINT: system.emulator.url,
    }),
    register() {
      trustCluster();
      system.emulator.switches.communicationRoleHolders = new Set([
        system.emulator.authServer.servicePrincipalId,
      ]);
    },
    expectNew: () => expect(system.emulator.callsTo('entra.token.client_credentials')).toBeGreaterThan(1),
  },
  'the token of the managed identity': {
    settings: () => ({
      AZURE_CLIENT_ASSERTION: 'managed_identity',
      MANAGED_IDENTITY_CLIENT_ID: system.emulator.managedIdentities.userAssigned.clientId,
    }),
    register() {
      system.emulator.switches.managedIdentityTokenLifetimeInSeconds = managedIdentityLifetimeInSeconds;
      const { url, tenantId, managedIdentities } = system.emulator;
      trust(`${url}/${tenantId}/v2.0`, managedIdentities.userAssigned.objectId);
    },
    renew: () => Promise.resolve(),
    withdrawOld: passLifetime(managedIdentityLifetimeInSeconds),
    expectNew: () => expect(system.emulator.callsTo('managedIdentity')).toBeGreaterThan(1),
  },
};

test.each(Object.entries(renewals))(
  '%s is renewed under load, without a restart and a lost request',
  async (_name, renewal) => {
    const { settings, register, renew, withdrawOld, expectNew } = renewal;
    const clock = fakeDate();
    // What MSAL keeps for the whole process has expired when the clock is put back.
    clock.advance(-180 * minute);
    await writeFile(tokenFile, cluster.token(1_800));
    register();
    const server = await system.startAnother({ AZURE_CLIENT_SECRET: '', ...settings() });
    await server.ready();
    const users = [0, 1, 2].map(() => system.emulator.addUser());
    const rounds = users.map(() => 0);
    const statuses: number[] = [];
    let [running, paused, inFlight] = [true, false, 0];
    const load = users.map(async (user, caller) => {
      while (running) {
        await until(() => !paused);
        inFlight += 1;
        const { status } = await server.call('get', '/getToken', system.emulator.accessToken({ user }));
        inFlight -= 1;
        statuses.push(status);
        rounds[caller] = (rounds[caller] ?? 0) + 1;
      }
    });
    /** Not while a request is in flight: its signature or token would be too old when it arrives. */
    const passTime = async (milliseconds: number) => {
      paused = true;
      await until(() => inFlight === 0);
      clock.advance(milliseconds);
      paused = false;
    };
    /** Waits until each caller's in-flight request has ended, and a later one. */
    const allEnded = async () => {
      const before = [...rounds];
      await until(() => rounds.every((round, caller) => round >= (before[caller] ?? 0) + 2));
    };

    await allEnded();
    await renew();
    await allEnded();
    await withdrawOld(passTime, allEnded);
    await allEnded();
    running = false;
    await Promise.all(load);

    expect(new Set(statuses)).toEqual(new Set([200]));
    expectNew(server);
    await server.stop();
  },
);
