import { explainPublicNames } from './developmentEmulator';
import type { Emulator } from './emulator';
import type { LocalProvider } from './localProvider';
import type { LocalStore } from './localStore';
import { filledRequests } from './requestsFile';
import { commandNames, createStyle } from './terminal';
import { type TokenFiles, writeTokenFiles } from './tokenFiles';

export interface WelcomeParts {
  readonly url: string;
  readonly playgroundUrl: string;
  readonly emulator: Emulator;
  readonly provider: LocalProvider;
  readonly store: LocalStore;
  /** The server's, for the doctor. */
  readonly settings: Readonly<Record<string, string>>;
}

/** The first screen of `npm run local`, and the tokens that its commands use. */
export interface Welcome {
  readonly text: string;
  readonly files: Pick<TokenFiles<string>, 'remove'>;
}

/** One screen of 80 columns and 24 rows, with commands to copy. */
export function createWelcome(parts: WelcomeParts): Welcome {
  return parts.provider.name === 'entra' ? welcomeOfEntra(parts) : welcomeOfOtherProvider(parts);
}

function welcomeOfEntra({ url, playgroundUrl, emulator, provider, store }: WelcomeParts): Welcome {
  const { strong, dim } = createStyle(process.stdout, process.env);
  const { curl, npm } = commandNames(process.platform);
  const files = writeTokenFiles({
    alice: () => bearer(provider.accessToken('alice')),
    carol: () => bearer(provider.accessToken('carol')),
    'carol-teams': () => `teams-user-aad-token: ${emulator.teamsToken({ user: 'carol' })}`,
    'requests.http': () =>
      filledRequests({
        baseUrl: url,
        accessToken: provider.accessToken('carol'),
        teamsUserAadToken: emulator.teamsToken({ user: 'carol' }),
        administratorToken: emulator.administratorToken(),
      }),
  });
  const alice = `-H "@${files.paths.alice}"`;
  const carol = `-H "@${files.paths.carol}" -H "@${files.paths['carol-teams']}"`;
  const text = `
  ${strong('ACS authentication server')} on the local emulator. Nothing leaves this machine.

  Playground  ${strong(playgroundUrl)}   open this first, and sign in as Alice
  API         ${url}   try it on ${url}/docs
  Emulator    ${emulator.url}  ${store.description}

  Your browser warns once about the emulator's certificate: choose Advanced,
  then Proceed. In a terminal:

${dim('  # Get a token; creates the identity of Alice on first use')}
${curl} -w "\\n" ${alice} ${url}/getToken
${dim("  # Exchange a Teams user's token")}
${curl} -w "\\n" ${carol} ${url}/exchangeToken
${dim('  # Find the identity, or create it without a token')}
${curl} -w "\\n" ${alice} ${url}/api/user
${curl} -w "\\n" -X POST ${alice} ${url}/api/user
${dim('  # Delete it')}
${curl} -i -X DELETE ${alice} ${url}/deleteUser

${explainPublicNames(emulator)}  Another token: ${npm} run -s token -- --user bob       More: docs/emulator.md
  In an editor: ${files.paths['requests.http']}               Ctrl-C stops everything.
`;
  return { text, files };
}

/** Without the Teams exchange, which is for users of Microsoft Entra ID only. */
function welcomeOfOtherProvider({
  url,
  playgroundUrl,
  emulator,
  provider,
  store,
  settings,
}: WelcomeParts): Welcome {
  const { strong, dim } = createStyle(process.stdout, process.env);
  const { curl, npm } = commandNames(process.platform);
  const files = writeTokenFiles({
    alice: () => bearer(provider.accessToken('alice')),
    // Unlike the settings for Microsoft Entra ID in .env.sample, these are in no .env file.
    'settings.env': () => envFile(settings),
  });
  const alice = `-H "@${files.paths.alice}"`;
  const text = `
  ${strong('ACS authentication server')} on the local emulator. Nothing leaves this machine.

  Playground  ${strong(playgroundUrl)}   open this first, and sign in as Alice
  API         ${url}   described on ${url}/docs
  Users       ${provider.description} (IDENTITY_PROVIDER=${provider.name})
  Identities  ${store.identityLocation} (IDENTITY_STORE=${store.name})
  Emulator    ${emulator.url}

  In a terminal:

${dim('  # Get a token; creates the identity of Alice on first use')}
${curl} -w "\\n" ${alice} ${url}/getToken
${dim('  # Find the identity, or create it without a token')}
${curl} -w "\\n" ${alice} ${url}/api/user
${curl} -w "\\n" -X POST ${alice} ${url}/api/user
${dim('  # Delete it')}
${curl} -i -X DELETE ${alice} ${url}/deleteUser

${explainPublicNames(emulator)}  Another token: ${npm} run -s token -- ${provider.tokenOptions}--user bob
  The doctor: ${npm} run doctor:emulator -- --env ${files.paths['settings.env']}
  More: docs/bring-your-own-identity.md        Ctrl-C stops everything.
`;
  return { text, files };
}

const envFile = (settings: Readonly<Record<string, string>>): string =>
  Object.entries(settings)
    .map(([name, value]) => `${name}=${value}`)
    .join('\n');

const bearer = (token: string): string => `Authorization: Bearer ${token}`;
