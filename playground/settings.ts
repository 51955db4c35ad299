/** What the page has to know; none of it is secret, and `/settings.json` hands it to anyone. */
export interface PlaygroundSettings {
  /** Where users sign in: `https://login.microsoftonline.com/<tenant id>`, or the emulator's. */
  authority: string;
  /** The client registration, of the platform "Single-page application". */
  clientId: string;
  /** The scope of the API, in full: `api://<client id of the API>/access_as_user`. */
  apiScope: string;
  /** The API itself, without a slash at the end. */
  apiUrl: string;
}

type Environment = Record<string, string | undefined>;

/** The page's settings, most of which follow from the server's own; fails with one line for each that is missing. */
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
    [values.PLAYGROUND_AUTHORITY, 'PLAYGROUND_AUTHORITY, or AZURE_TENANT_ID'],
    [values.PLAYGROUND_CLIENT_ID, 'PLAYGROUND_CLIENT_ID, the client id of the single-page app'],
    [values.PLAYGROUND_API_SCOPE, 'PLAYGROUND_API_SCOPE, or AZURE_CLIENT_ID'],
  ]
    .filter(([value]) => !value)
    .map(([, what = '']) => `The playground needs ${what}.`);
  const { PLAYGROUND_AUTHORITY: authority = '', PLAYGROUND_API_URL: apiUrl } = values;
  if (authority && !isHttps(authority)) problems.push('PLAYGROUND_AUTHORITY must be an https address.');
  if (!URL.canParse(apiUrl)) problems.push('PLAYGROUND_API_URL must be an address.');
  if (problems.length > 0) throw new Error(problems.join('\n'));
  return {
    authority: withoutEndSlash(authority),
    clientId: values.PLAYGROUND_CLIENT_ID ?? '',
    apiScope: values.PLAYGROUND_API_SCOPE ?? '',
    apiUrl: withoutEndSlash(apiUrl),
  };
}

/** An empty setting counts as absent, as in a copied .env.sample. */
function nonEmpty(text: string | undefined): string | undefined {
  return text === '' ? undefined : text;
}

function isHttps(text: string): boolean {
  return URL.canParse(text) && new URL(text).protocol === 'https:';
}

function withoutEndSlash(address: string): string {
  return address.replace(/\/+$/, '');
}
