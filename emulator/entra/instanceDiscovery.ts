import { type Call, type Reply } from '../http/exchange';
import { type EmulatorContext } from '../context';
import { fail } from './errors';
import { cacheable } from './metadata';

interface Cloud {
  preferred_network: string;
  preferred_cache: string;
  aliases: string[];
}

/** The clouds that Entra's public instance names. */
const clouds: Cloud[] = [
  {
    preferred_network: 'login.microsoftonline.com',
    preferred_cache: 'login.windows.net',
    aliases: ['login.microsoftonline.com', 'login.windows.net', 'login.microsoft.com', 'sts.windows.net'],
  },
  {
    preferred_network: 'login.partner.microsoftonline.cn',
    preferred_cache: 'login.partner.microsoftonline.cn',
    aliases: ['login.partner.microsoftonline.cn', 'login.chinacloudapi.cn'],
  },
  {
    preferred_network: 'login.microsoftonline.us',
    preferred_cache: 'login.microsoftonline.us',
    aliases: ['login.microsoftonline.us', 'login.usgovcloudapi.net'],
  },
];

/** Whether a client may trust an authority, and the aliases under which it may cache tokens. */
export function instanceDiscovery(context: EmulatorContext, call: Call): Reply {
  const text = call.query.get('authorization_endpoint') ?? '';
  if (!URL.canParse(text)) {
    fail({
      status: 400,
      error: 'invalid_request',
      code: 900144,
      message: "The request body must contain the following parameter: 'authorization_endpoint'.",
    });
  }
  const endpoint = new URL(text);
  const own = new URL(context.url).host;
  const ownCloud: Cloud = { preferred_network: own, preferred_cache: own, aliases: [own] };
  const metadata = [...clouds, ownCloud];
  if (endpoint.protocol !== 'https:' || !metadata.some(({ aliases }) => aliases.includes(endpoint.host))) {
    fail({ status: 400, error: 'invalid_instance', code: 50049, message: 'Unknown or invalid instance.' });
  }
  const [, tenant = ''] = endpoint.pathname.split('/');
  const version = endpoint.pathname.includes('/v2.0/') ? '/v2.0' : '';
  return cacheable({
    tenant_discovery_endpoint: `${endpoint.origin}/${tenant}${version}/.well-known/openid-configuration`,
    'api-version': '1.1',
    metadata,
  });
}
