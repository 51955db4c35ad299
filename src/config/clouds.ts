/** The services of one Microsoft cloud. Tenants, registrations and identities of one cloud are unknown in the others. */
export interface Cloud {
  readonly name: CloudName;
  readonly authorityHost: string;
  readonly graphEndpoint: string;
  /** The audience of the tokens that a registration's federated credential accepts. */
  readonly tokenExchangeAudience: string;
  /** The scope of a managed identity's token for Communication Services; undefined: the SDK's default. */
  readonly communicationScope: string | undefined;
  /** The resource of the token that a Teams user's app sends to /exchangeToken. */
  readonly teamsAudience: string;
  /** Used if a connection string has no EndpointSuffix. */
  readonly storageSuffix: string;
  /** All domains of this cloud. A host in another cloud's list is in the wrong cloud. */
  readonly domains: readonly string[];
}

export const cloudNames = ['public', 'usgovernment', 'china'] as const;

export type CloudName = (typeof cloudNames)[number];

/**
 * As Microsoft publishes them. Communication Services is not offered in the cloud that 21Vianet operates in China, so that cloud has no
 * domain for it.
 */
export const clouds: Readonly<Record<CloudName, Cloud>> = {
  public: {
    name: 'public',
    authorityHost: 'https://login.microsoftonline.com',
    graphEndpoint: 'https://graph.microsoft.com',
    tokenExchangeAudience: 'api://AzureADTokenExchange',
    communicationScope: undefined,
    teamsAudience: 'https://auth.msft.communication.azure.com',
    storageSuffix: 'core.windows.net',
    domains: [
      'login.microsoftonline.com',
      'login.windows.net',
      'graph.microsoft.com',
      'communication.azure.com',
      'core.windows.net',
      'cosmos.azure.com',
    ],
  },
  usgovernment: {
    name: 'usgovernment',
    authorityHost: 'https://login.microsoftonline.us',
    graphEndpoint: 'https://graph.microsoft.us',
    tokenExchangeAudience: 'api://AzureADTokenExchangeUSGov',
    communicationScope: 'https://communication.azure.us/.default',
    teamsAudience: 'https://auth.msft.communication.azure.us',
    storageSuffix: 'core.usgovcloudapi.net',
    domains: [
      'login.microsoftonline.us',
      'graph.microsoft.us',
      // For the Department of Defense: set GRAPH_ENDPOINT.
      'dod-graph.microsoft.us',
      'communication.azure.us',
      'core.usgovcloudapi.net',
      'cosmos.azure.us',
    ],
  },
  china: {
    name: 'china',
    authorityHost: 'https://login.partner.microsoftonline.cn',
    graphEndpoint: 'https://microsoftgraph.chinacloudapi.cn',
    tokenExchangeAudience: 'api://AzureADTokenExchangeChina',
    communicationScope: undefined,
    teamsAudience: 'https://auth.msft.communication.azure.com',
    storageSuffix: 'core.chinacloudapi.cn',
    domains: [
      'login.partner.microsoftonline.cn',
      'login.chinacloudapi.cn',
      'microsoftgraph.chinacloudapi.cn',
      'core.chinacloudapi.cn',
      'cosmos.azure.cn',
    ],
  },
};

/** The cloud that a service is in; undefined for other hosts, such as an emulator's. */
export function cloudOfUrl(url: string): CloudName | undefined {
  if (!URL.canParse(url)) return undefined;
  const { hostname } = new URL(url);
  return cloudNames.find((name) =>
    clouds[name].domains.some((domain) => hostname === domain || hostname.endsWith(`.${domain}`)),
  );
}

/** The chosen cloud; by default the cloud of the sign-in host, if that is known. */
export function chooseCloud(
  name: string | undefined,
  authorityHost: string | undefined,
): (typeof clouds)[CloudName] {
  const chosen = cloudNames.find((candidate) => candidate === name);
  return clouds[chosen ?? cloudOfUrl(authorityHost ?? '') ?? 'public'];
}
