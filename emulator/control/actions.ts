import { z } from 'zod';
import { type Emulator } from '../emulator';
import { allDefects } from '../tokens/defects';
import { type TokenOptions } from '../tokens/tokenFactory';
import { type Action } from './action';
import { applicationActions } from './applicationActions';
import {
  delay,
  faultSchema,
  mapping,
  newUser,
  removal,
  requestFilter,
  rotation,
  switchesSchema,
  tokenOptions,
} from './schemas';

export const controlPrefix = '/_emulator';

export function controlActions(emulator: Emulator): Action[] {
  const get = (name: string, does: string, run: () => unknown): Action => ({
    method: 'GET',
    name,
    does,
    run,
  });
  const post = <T>(name: string, schema: z.ZodType<T>, does: string, run: (body: T) => unknown): Action => ({
    method: 'POST',
    name,
    does,
    run: (body) => run(schema.parse(body)),
  });
  const token = (name: string, does: string, mint: (options: TokenOptions) => string): Action =>
    post(name, tokenOptions, does, (options) => ({ accessToken: mint(options) }));

  const actions: Action[] = [
    get('', 'this list', () => ({
      emulator: emulator.url,
      control: actions.map(({ method, name, does }) => ({
        call: `${method} ${controlPrefix}/${name}`,
        does,
      })),
    })),
    get('settings', 'the environment of a server that uses this emulator', () => emulator.settings()),
    get(
      'managed-identities',
      'the managed identities, and the environment of a server that uses one',
      () => ({
        ...emulator.managedIdentities,
        settings: emulator.managedIdentitySettings(),
      }),
    ),
    get('users', 'the seeded users', () => emulator.users),
    post('users', newUser, 'adds a user: {name?, teamsLicence?}', ({ name, teamsLicence }) =>
      emulator.addUser(name, teamsLicence),
    ),
    token(
      'token',
      'mints an access token for the API: {user?, version?, scope?, lifetimeInSeconds?, client?, publicName?, claims?, header?, ' +
        `defect?}; null removes a claim; defects: ${allDefects.join(', ')}`,
      (options) => emulator.accessToken(options),
    ),
    token(
      'external-id-token',
      'mints an access token of the External ID tenant (same fields, without version and publicName)',
      (options) => emulator.externalId.accessToken(options),
    ),
    token('b2c-token', 'mints an access token of the B2C tenant (same fields)', (options) =>
      emulator.b2c.accessToken(options),
    ),
    token('teams-token', 'mints what a Teams user signs in for (same fields)', (options) =>
      emulator.teamsToken(options),
    ),
    token('id-token', 'mints an ID token (same fields)', (options) => emulator.idToken(options)),
    token('app-only-token', 'mints a token without a user (same fields)', (options) =>
      emulator.appOnlyToken(options),
    ),
    token(
      'administrator-token',
      'mints a token of OffboardingJob, which may erase users (same fields)',
      (options) => emulator.administratorToken(options),
    ),
    token('graph-token', 'mints an access token for Graph (same fields)', (options) =>
      emulator.graphToken(options),
    ),
    post(
      'fail',
      faultSchema,
      'makes calls fail: {operation, times? (a number or "always"), after?, kind: status | hang | drop | garbage | ' +
        'malformed | notHttp | cut | replyLost, status?, headers?, body?, bytes?, effectDone?}',
      (fault) => emulator.fail(fault),
    ),
    {
      method: 'DELETE',
      name: 'fail',
      does: 'ends all faults and delays',
      run: () => emulator.clearFaults(),
    },
    post('delay', delay, 'slows an operation, or several by prefix: {operation, milliseconds}', (body) =>
      emulator.delay(body.operation, body.milliseconds),
    ),
    post('rotate-keys', rotation, 'signs with a new key from now on: {keepOld?}', ({ keepOld }) =>
      emulator.rotateKeys({ keepOld }),
    ),
    ...applicationActions(emulator.applications),
    get('devices', 'the devices that wait for approval, by the code that they show', () =>
      emulator.waitingDevices(),
    ),
    post(
      'approve-device',
      z.strictObject({ userCode: z.string(), user: z.string().optional() }),
      'approves a device, as a user on the page would: {userCode, user?}',
      ({ userCode, user }) => emulator.approveDevice(userCode, user),
    ),
    post('decline-device', z.strictObject({ userCode: z.string() }), 'refuses one: {userCode}', (body) =>
      emulator.declineDevice(body.userCode),
    ),
    post('reset', z.undefined(), 'everything back to the start, except the keys', () => emulator.reset()),
    get('calls', 'counts of calls by operation since the reset', () => emulator.calls()),
    {
      method: 'GET',
      name: 'requests',
      does: 'the latest calls, oldest first; ?clientRequestId=<id> or ?since=<milliseconds since 1970> selects some',
      run: (_body, query) => emulator.requests(requestFilter.parse(Object.fromEntries(query))),
    },
    get('identities', 'the existing communication identities', () => emulator.identities()),
    post(
      'delete-identity',
      z.strictObject({ id: z.string() }),
      'deletes one without the server knowing: {id}',
      ({ id }) => emulator.deleteIdentity(id),
    ),
    get('mappings', 'the open extensions of all users', () => emulator.mappings()),
    {
      method: 'PUT',
      name: 'mappings',
      does: 'writes an extension, as an app with User.ReadWrite can: {userObjectId, extension: {extensionName, …}}',
      run: (body) => {
        const { userObjectId, extension } = mapping.parse(body);
        emulator.setExtension(userObjectId, extension);
      },
    },
    {
      method: 'DELETE',
      name: 'mappings',
      does: 'removes an extension: {userObjectId, extensionName}',
      run: (body) => {
        const { userObjectId, extensionName } = removal.parse(body);
        emulator.removeExtension(userObjectId, extensionName);
      },
    },
    get('switches', 'how the services behave where this is unknown, or varies', () =>
      shownSwitches(emulator),
    ),
    {
      method: 'PUT',
      name: 'switches',
      does: 'sets some of them: {name: value}; a list for a set, null for no limit',
      run: (body) => {
        setSwitches(emulator, switchesSchema.parse(body));
        return shownSwitches(emulator);
      },
    },
  ];
  return actions;
}

function setSwitches(emulator: Emulator, changes: z.infer<typeof switchesSchema>): void {
  Object.assign(emulator.switches, changes);
}

function shownSwitches(emulator: Emulator): Record<string, unknown> {
  const shown = Object.entries(emulator.switches as unknown as Record<string, unknown>).map(
    ([name, value]) => [name, value instanceof Set ? [...(value as Set<unknown>)] : (value ?? null)],
  );
  return Object.fromEntries(shown) as Record<string, unknown>;
}
