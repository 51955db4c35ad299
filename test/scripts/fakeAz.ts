import { randomUUID } from 'node:crypto';
import { chmod, writeFile } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import { join } from 'node:path';

export const graphAppId = '00000003-0000-0000-c000-000000000000';
export const teamsAppId = '1fd5118e-2576-4263-8130-9503064c837a';

export interface PermissionScope {
  id: string;
  value: string;
}

export interface Registration {
  id: string;
  appId: string;
  displayName: string;
  identifierUris?: string[];
  api: {
    oauth2PermissionScopes?: PermissionScope[];
    preAuthorizedApplications?: { appId: string; delegatedPermissionIds: string[] }[];
  };
  appRoles?: { id: string; value: string; allowedMemberTypes?: string[] }[];
  spa?: { redirectUris: string[] };
  requiredResourceAccess?: { resourceAppId: string; resourceAccess: { id: string; type: string }[] }[];
}

/** A tenant as the az CLI shows it; it records every call. */
export interface FakeAz {
  readonly calls: string[];
  signedIn: boolean;
  readonly tenantId: string;
  cloud: Record<string, string>;
  readonly apps: Registration[];
  readonly servicePrincipals: { appId: string; oauth2PermissionScopes?: PermissionScope[] }[];
  /** By app id. */
  readonly secrets: Map<string, string[]>;
  readonly consented: string[];
  /** By app id. */
  readonly federatedCredentials: Map<string, Record<string, unknown>[]>;
  stop(): Promise<void>;
}

/** Writes a fake `az` to the folder. It supports the calls of register-apps.sh and fails on any other. */
export async function startFakeAz(folder: string): Promise<FakeAz> {
  const az: FakeAz = {
    calls: [],
    signedIn: true,
    tenantId: '11111111-0000-4000-8000-000000000001',
    cloud: {
      name: 'AzureCloud',
      'endpoints.activeDirectory': 'https://login.microsoftonline.com',
      'endpoints.microsoftGraphResourceId': 'https://graph.microsoft.com/',
    },
    apps: [],
    servicePrincipals: [
      { appId: graphAppId, oauth2PermissionScopes: [{ id: 'graph-rw', value: 'User.ReadWrite' }] },
    ],
    secrets: new Map(),
    consented: [],
    federatedCredentials: new Map(),
    stop: () => new Promise((resolve) => server.close(() => resolve())),
  };
  const respond = (args: string[]): string => {
    az.calls.push(args.join(' '));
    try {
      return `ok ${runCommand(az, args)}`;
    } catch (error) {
      return `failed ${error instanceof Error ? error.message : 'unknown'}`;
    }
  };
  const server = createServer((connection) => {
    let received = '';
    connection.setEncoding('utf8').on('data', (chunk: string) => {
      received += chunk;
      const [count, ...args] = received.split('\0');
      if (args.length > Number(count)) connection.end(respond(args.slice(0, -1)));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const program = join(folder, 'az');
  // The script calls it some 25 times, so it starts no other program. It sends the number of arguments first.
  await writeFile(
    program,
    `#!/usr/bin/env bash
exec 3<>/dev/tcp/127.0.0.1/${(server.address() as AddressInfo).port}
printf '%s\\0' "$#" "$@" >&3
IFS= read -r -d '' reply <&3
[[ $reply == 'ok '* ]] && printf '%s\\n' "\${reply#ok }" && exit
printf '%s\\n' "\${reply#failed }" >&2
exit 1
`,
  );
  await chmod(program, 0o755);
  return az;
}

/** The permissions of "Azure Communication Services", in a tenant that has its service principal. */
const teamsScopes = [
  { id: 'teams-calls', value: 'Teams.ManageCalls' },
  { id: 'teams-chats', value: 'Teams.ManageChats' },
];

function runCommand(az: FakeAz, args: string[]): string {
  const words = args.slice(
    0,
    args.findIndex((arg) => arg.startsWith('--')),
  );
  const option = (name: string): string => {
    const value = args.includes(`--${name}`) ? args[args.indexOf(`--${name}`) + 1] : undefined;
    return value ?? fail(`--${name} is missing`);
  };
  const appWith = (property: 'appId' | 'id', value: string) =>
    az.apps.find((app) => app[property] === value) ?? fail(`there is no application ${value}`);
  const filtered = (property: string): string => {
    const [, name, value = ''] = /^(\w+) eq '(.*)'$/.exec(option('filter')) ?? [];
    return name === property ? value.replaceAll("''", "'") : fail(`cannot filter by ${option('filter')}`);
  };
  const scopeIn = (scopes: PermissionScope[] = []): string => {
    const [, name] = /\?value=='([\w.]+)'\]\.id \| \[0\]$/.exec(option('query')) ?? [];
    return name ? (scopes.find(({ value }) => value === name)?.id ?? '') : fail('no such query');
  };

  switch (words.join(' ')) {
    case 'account show':
      return az.signedIn ? az.tenantId : fail('Please run az login');
    case 'cloud show':
      return az.cloud[option('query')] ?? fail('no such query');
    case 'ad app list': {
      const name = filtered('displayName');
      return az.apps.flatMap(({ displayName, appId }) => (displayName === name ? [appId] : [])).join('\n');
    }
    case 'ad app create': {
      const app = { id: randomUUID(), appId: randomUUID(), displayName: option('display-name'), api: {} };
      az.apps.push(app);
      return app.appId;
    }
    case 'ad app show': {
      const app = appWith('appId', option('id'));
      return args.includes('--query') ? scopeIn(app.api.oauth2PermissionScopes) : JSON.stringify(app);
    }
    case 'ad app credential reset': {
      const { appId } = appWith('appId', option('id'));
      if (!args.includes('--append')) fail('this would remove the secrets that are in use');
      const secret = `Secret~${randomUUID()}`;
      az.secrets.set(appId, [...(az.secrets.get(appId) ?? []), secret]);
      return secret;
    }
    case 'ad app federated-credential list': {
      const { appId } = appWith('appId', option('id'));
      const [, subject] = /^\[\?subject=='([\w-]+)'\]\.id$/.exec(option('query')) ?? [];
      if (subject === undefined) fail('no such query');
      const found = (az.federatedCredentials.get(appId) ?? []).filter((each) => each.subject === subject);
      return found.map(() => 'its-id').join('\n');
    }
    case 'ad app federated-credential create': {
      const { appId } = appWith('appId', option('id'));
      const credential = JSON.parse(option('parameters')) as Record<string, unknown>;
      az.federatedCredentials.set(appId, [...(az.federatedCredentials.get(appId) ?? []), credential]);
      return '';
    }
    case 'ad app delete':
      az.apps.splice(az.apps.indexOf(appWith('appId', option('id'))), 1);
      return '';
    case 'ad app permission admin-consent':
      az.consented.push(appWith('appId', option('id')).displayName);
      return '';
    case 'ad sp list': {
      const appId = filtered('appId');
      return az.servicePrincipals.flatMap((each) => (each.appId === appId ? ['its-id'] : [])).join('\n');
    }
    case 'ad sp create': {
      const appId = option('id');
      az.servicePrincipals.push({
        appId,
        ...(appId === teamsAppId ? { oauth2PermissionScopes: teamsScopes } : {}),
      });
      return '';
    }
    case 'ad sp show': {
      const found = az.servicePrincipals.find(({ appId }) => appId === option('id'));
      return scopeIn((found ?? fail('no such service principal')).oauth2PermissionScopes);
    }
    case 'rest':
      patch(
        appWith('id', option('uri').replace('https://graph.microsoft.com/v1.0/applications/', '')),
        option('method') === 'PATCH'
          ? (JSON.parse(option('body')) as Partial<Registration>)
          : fail('only PATCH'),
      );
      return '';
    default:
      return fail(`not supported by the fake: az ${words.join(' ')}`);
  }
}

/** Like Graph: the properties of `api` are merged, not their contents, and only known scopes can be preauthorized. */
function patch(app: Registration, { api, ...rest }: Partial<Registration>): void {
  const scopeIds = (app.api.oauth2PermissionScopes ?? []).map(({ id }) => id);
  const preauthorized = api?.preAuthorizedApplications?.flatMap((each) => each.delegatedPermissionIds) ?? [];
  if (!preauthorized.every((id) => scopeIds.includes(id))) fail('no such scope to preauthorize');
  Object.assign(app, rest, { api: { ...app.api, ...api } });
}

function fail(message: string): never {
  throw new Error(message);
}
