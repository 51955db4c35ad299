/** One way to sign in. */
export interface SignInSettings {
  /** Who signs the users in: the IDENTITY_PROVIDER of the API. */
  provider: string;
  /** The sign-in authority: `https://login.microsoftonline.com/<tenant id>`, or the emulator's. */
  authority: string;
  /** The client id of an app registration with the platform "Single-page application". */
  clientId: string;
  /** The full scope of the API: `api://<client id of the API>/access_as_user`. */
  apiScope: string;
  /**
   * The authority's metadata, only with the emulator. Without it MSAL.js would load it in the background, which the browser
   * refuses until the user has accepted the emulator's certificate on its sign-in page.
   */
  authorityMetadata?: string;
}

/** The settings of the page. They are not secret: `/settings.json` serves them to anyone. */
export interface PlaygroundSettings extends SignInSettings {
  /** Further ways to sign in that users can choose. */
  otherSignIns?: SignInSettings[];
  /** The URL of the API, without a trailing slash. */
  apiUrl: string;
  /** Only with the emulator: the page then shows the upstream calls, and can simulate failures. */
  local?: LocalSettings;
}

export interface LocalSettings {
  emulatorUrl: string;
  /** Where the API keeps identities: its IDENTITY_STORE. */
  store: string;
}

type Environment = Record<string, string | undefined>;

/** Reads the page's settings; most defaults come from the server's settings. Throws with one line per missing setting. */
export function readSettings(environment: Environment): PlaygroundSettings {
  const text = (name: string): string | undefined => nonEmpty(environment[name]?.trim());
  const tenantId = text('AZURE_TENANT_ID');
  const apiClientId = text('AZURE_CLIENT_ID');
  const authorityHost = text('AZURE_AUTHORITY_HOST') ?? 'https://login.microsoftonline.com';
  const values = {
    PLAYGROUND_AUTHORITY: text('PLAYGROUND_AUTHORITY') ?? (tenantId && `${authorityHost}/${tenantId}`),
    PLAYGROUND_CLIENT_ID: text('PLAYGROUND_CLIENT_ID'),
    PLAYGROUND_API_SCOPE:
      text('PLAYGROUND_API_SCOPE') ?? (apiClientId && `api://${apiClientId}/access_as_user`),
    PLAYGROUND_API_URL: text('PLAYGROUND_API_URL') ?? `http://localhost:${text('PORT') ?? '3000'}`,
  };
  const problems = [
    [values.PLAYGROUND_AUTHORITY, 'PLAYGROUND_AUTHORITY or AZURE_TENANT_ID'],
    [values.PLAYGROUND_CLIENT_ID, 'PLAYGROUND_CLIENT_ID (the client ID of the single-page app)'],
    [values.PLAYGROUND_API_SCOPE, 'PLAYGROUND_API_SCOPE or AZURE_CLIENT_ID'],
  ]
    .filter(([value]) => !value)
    .map(([, setting = '']) => `Set ${setting}.`);
  const { PLAYGROUND_AUTHORITY: authority = '', PLAYGROUND_API_URL: apiUrl } = values;
  if (authority && !isHttps(authority)) problems.push('PLAYGROUND_AUTHORITY must be an https URL.');
  if (!URL.canParse(apiUrl)) problems.push('PLAYGROUND_API_URL must be a URL.');
  if (problems.length > 0) throw new Error(problems.join('\n'));
  return {
    provider: text('PLAYGROUND_PROVIDER') ?? text('IDENTITY_PROVIDER') ?? 'entra',
    authority: withoutTrailingSlash(authority),
    clientId: values.PLAYGROUND_CLIENT_ID ?? '',
    apiScope: values.PLAYGROUND_API_SCOPE ?? '',
    apiUrl: withoutTrailingSlash(apiUrl),
    ...localSettings(text),
  };
}

/** Set only by `npm run local`. */
function localSettings(
  text: (name: string) => string | undefined,
): Pick<PlaygroundSettings, 'local' | 'otherSignIns'> {
  const emulatorUrl = text('PLAYGROUND_EMULATOR_URL');
  if (emulatorUrl === undefined) return {};
  const others = text('PLAYGROUND_OTHER_SIGN_INS');
  return {
    local: { emulatorUrl, store: text('IDENTITY_STORE') ?? 'graph' },
    ...(others === undefined ? {} : { otherSignIns: JSON.parse(others) as SignInSettings[] }),
  };
}

/** An empty setting counts as missing, as in a copied .env.sample. */
function nonEmpty(text: string | undefined): string | undefined {
  return text === '' ? undefined : text;
}

function isHttps(text: string): boolean {
  return URL.canParse(text) && new URL(text).protocol === 'https:';
}

function withoutTrailingSlash(url: string): string {
  return url.replace(/\/+$/, '');
}
