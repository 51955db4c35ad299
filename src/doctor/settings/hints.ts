import { minMappingKeyBytes, parseUrl } from '../../config/formats';
import { type SettingName, settings } from '../../config/settings';

/** What is wrong with a malformed value. Never the value, unless it cannot be a secret. */
export function explainMalformed(name: SettingName, text: string): string | undefined {
  if (/^(["']).*\1$/s.test(text))
    return 'it is in quotes, which docker run --env-file, for one, does not remove';
  switch (name) {
    case 'AZURE_TENANT_ID':
    case 'EXTERNAL_ID_TENANT_ID':
    case 'B2C_TENANT_ID':
      return /^[\w-]+(\.[\w-]+)+$/.test(text)
        ? 'it is a domain, not the ID of the tenant. Find the ID in the portal, or with: az account show --query tenantId'
        : undefined;
    case 'COMMUNICATION_SERVICES_CONNECTION_STRING':
      return parseUrl(text)?.protocol === 'https:' || /^endpoint=https:[^;]+;?$/i.test(text)
        ? 'it is only the endpoint, without the access key. To use a managed identity, set COMMUNICATION_SERVICES_ENDPOINT instead'
        : undefined;
    case 'IDENTITY_MAPPING_KEY':
      return entriesOf(text).map(explainKey).filter(Boolean).join('; ') || undefined;
    case 'CORS_ALLOWED_ORIGINS':
      return explainEntries(name, text, explainOrigin);
    case 'COMMUNICATION_SERVICES_TOKEN_SCOPES':
    case 'IDENTITY_PROVIDER':
    case 'OIDC_ALGORITHMS':
    case 'B2C_POLICIES':
      return explainEntries(name, text, (entry) =>
        /^[\w.:-]{1,40}$/.test(entry) ? `${entry} is unknown` : undefined,
      );
    case 'ALLOWED_CLIENT_IDS':
      return explainEntries(name, text, () => 'it is not a GUID');
    default:
      return undefined;
  }
}

const entriesOf = (text: string): string[] =>
  text
    .split(',')
    .map((entry) => entry.trim())
    .filter(Boolean);

/** The entries that would be malformed alone. */
function explainEntries(
  name: SettingName,
  text: string,
  explain: (entry: string) => string | undefined,
): string | undefined {
  const { schema } = settings[name];
  const explained = entriesOf(text).flatMap((entry, index) =>
    schema.safeParse(entry).success ? [] : [`entry ${index + 1}: ${explain(entry) ?? 'it is malformed'}`],
  );
  return explained.length === 0 ? undefined : explained.join('; ');
}

function explainKey(entry: string, index: number): string | undefined {
  if (!/^[A-Za-z0-9+/]+={0,2}$/.test(entry)) return `key ${index + 1} is not base64`;
  const { length } = Buffer.from(entry, 'base64');
  return length < minMappingKeyBytes
    ? `key ${index + 1} decodes to ${length} bytes, and needs ${minMappingKeyBytes}`
    : undefined;
}

function explainOrigin(entry: string): string | undefined {
  const url = parseUrl(entry);
  if (!url || url.origin === 'null') return 'it does not begin with https:// or http://';
  return entry === `${url.origin}/`
    ? `remove the slash at the end of ${url.origin}/`
    : `the origin is only ${url.origin}: remove the rest`;
}
