/**
 * The initial state of every emulator. All values are fictitious and public: they are valid only for an emulator. `.env.sample` has the same
 * values, so that a server works with `npm run emulator` without changes.
 */
export const developmentPort = 8443;

export const tenantId = '7e4a0000-0000-4000-8000-000000000001';
export const tenantName = 'Contoso';

export const authServer = {
  clientId: 'a9150000-0000-4000-8000-000000000002',
  clientSecret: 'emulator-only-auth-server-secret',
  appIdUri: 'api://a9150000-0000-4000-8000-000000000002',
  name: 'AuthServer',
  /** User.ReadWrite, as the registration guide says, and User.Read, which the portal adds to every registration. */
  permissions: { graph: ['User.Read', 'User.ReadWrite'] },
  /** The object id of its service principal, which roles are assigned to. */
  servicePrincipalId: '5e21ce00-0000-4000-8000-000000000007',
};

export const authClient = {
  clientId: 'c11e0000-0000-4000-8000-000000000003',
  clientSecret: 'emulator-only-auth-client-secret',
  name: 'AuthClient',
  permissions: {
    api: ['access_as_user'],
    graph: ['User.Read'],
    teams: ['Teams.ManageCalls', 'Teams.ManageChats'],
  },
  servicePrincipalId: '5e21ce00-0000-4000-8000-000000000008',
  webRedirectUris: [
    'http://localhost',
    'http://localhost:3000',
    'http://localhost:3000/',
    'http://localhost:3000/auth/callback',
    'https://jwt.ms',
  ],
  /** For desktop and mobile apps, which have no secret. Postman's, as in the registration guide. */
  nativeRedirectUris: ['https://oauth.pstmn.io/v1/callback'],
  spaRedirectUris: [
    'http://localhost:5173',
    'http://localhost:5173/',
    'http://localhost:5173/redirect',
    'http://localhost:5173/redirect.html',
    'http://localhost:5173/blank.html',
    'http://localhost:3000/docs/oauth2-redirect.html',
  ],
};

/** An application role of AuthServer: its holders may find and erase the communication identity of any user. */
export const manageUsersRole = 'CommunicationUsers.Manage.All';

/** A daemon that erases the users who have left; it has the role above. */
export const offboardingJob = {
  clientId: '0ffb0000-0000-4000-8000-00000000000d',
  clientSecret: 'emulator-only-offboarding-job-secret',
  name: 'OffboardingJob',
  permissions: {},
  servicePrincipalId: '5e21ce00-0000-4000-8000-000000000009',
};

export const seededUsers = [
  {
    key: 'alice',
    objectId: 'a11ce000-0000-4000-8000-00000000000a',
    name: 'Alice Archer',
    teamsLicence: false,
  },
  { key: 'bob', objectId: 'b0b00000-0000-4000-8000-00000000000b', name: 'Bob Baker', teamsLicence: false },
  {
    key: 'carol',
    objectId: 'ca201000-0000-4000-8000-00000000000c',
    name: 'Carol Carver',
    teamsLicence: true,
  },
] as const;

/** A domain that is reserved for documentation: no one can register it. */
export const userDomain = 'contoso.example';

export const communicationResource = {
  id: '5ac50000-0000-4000-8000-000000000004',
  /** A second resource, whose identities the access key cannot use. */
  otherId: '0de20000-0000-4000-8000-000000000005',
  accessKey: Buffer.from('emulator-only-access-key-not-a-real-one').toString('base64'),
};

const resourceGroup = '/subscriptions/5b5c0000-0000-4000-8000-000000000010/resourcegroups/contoso/providers';

/** The managed identities of the emulated App Service; `holdsRole`: at the communication resource. */
export const managedIdentities = [
  {
    key: 'systemAssigned',
    clientId: '515a0000-0000-4000-8000-000000000011',
    objectId: '515a0000-0000-4000-8000-000000000021',
    resourceId: `${resourceGroup}/Microsoft.Web/sites/acs-authentication-server`,
    holdsRole: true,
  },
  {
    key: 'userAssigned',
    clientId: '0e2a0000-0000-4000-8000-000000000012',
    objectId: '0e2a0000-0000-4000-8000-000000000022',
    resourceId: `${resourceGroup}/Microsoft.ManagedIdentity/userAssignedIdentities/acs-server`,
    holdsRole: true,
  },
  {
    key: 'withoutRole',
    clientId: '0e2a0000-0000-4000-8000-000000000013',
    objectId: '0e2a0000-0000-4000-8000-000000000023',
    resourceId: `${resourceGroup}/Microsoft.ManagedIdentity/userAssignedIdentities/other`,
    holdsRole: false,
  },
] as const;

export type ManagedIdentity = Omit<(typeof managedIdentities)[number], 'key' | 'holdsRole'>;

/** The IDENTITY_HEADER of the emulated App Service. */
export const identityHeader = 'emulator-only-identity-header';

/** The mapping key in `.env.sample`; an emulator in a test creates its own. */
export const developmentMappingKey = Buffer.from('emulator-only-identity-mapping-key').toString('base64');
