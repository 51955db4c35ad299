import { tenantId } from './seed';

/** The public names of the services in Azure. */
const authorityHosts = ['login.microsoftonline.com', 'login.windows.net', 'sts.windows.net'];
const graphHost = 'graph.microsoft.com';
const communicationDomain = 'communication.azure.com';
/** Newer communication resources have their data location in their host name. */
const dataLocations = [
  ...['africa', 'asiapacific', 'australia', 'brazil', 'canada', 'europe', 'france', 'germany', 'india'],
  ...['japan', 'korea', 'norway', 'switzerland', 'uae', 'uk', 'unitedstates'],
];

export const publicIssuerOrigin = 'https://login.microsoftonline.com';

/** The names that a certificate must cover. */
export const publicHostNames = [
  ...authorityHosts,
  graphHost,
  `*.${communicationDomain}`,
  ...dataLocations.map((location) => `*.${location}.${communicationDomain}`),
];
/** The domains that the certificate authority is limited to. */
export const publicDomains = [...authorityHosts, graphHost, communicationDomain];

export type Service = 'entra' | 'graph' | 'acs';

interface Asked {
  readonly headers: { host?: string | undefined };
}

/**
 * The names that the services answer to: always the loopback URL, and with `publicNames` those of Azure. Endpoints, issuers and OData
 * contexts contain the name that the client used.
 */
export class Names {
  constructor(
    readonly url: string,
    readonly publicNames: boolean,
  ) {}

  /** The service of a public name; undefined for a loopback name, which all services share. */
  serviceOf(asked: Asked): Service | undefined {
    const host = hostName(asked);
    if (!this.publicNames) return undefined;
    if (authorityHosts.includes(host)) return 'entra';
    if (host === graphHost) return 'graph';
    return host.endsWith(`.${communicationDomain}`) ? 'acs' : undefined;
  }

  /** The address of Entra that the caller used. */
  authority(asked: Asked): string {
    return this.serviceOf(asked) === 'entra' ? `https://${asked.headers.host ?? ''}` : this.url;
  }

  /** The address in the issuers: under every public name, the first of Entra's. */
  issuerOrigin(asked: Asked): string {
    return this.serviceOf(asked) === undefined ? this.url : publicIssuerOrigin;
  }

  graph(asked: Asked): string {
    return this.serviceOf(asked) === undefined ? this.url : `https://${graphHost}`;
  }

  /** Every origin of Entra: the possible audiences of an assertion. */
  authorities(): string[] {
    return [this.url, ...(this.publicNames ? authorityHosts.map((host) => `https://${host}`) : [])];
  }

  /** Every issuer of tokens of version 2. */
  issuers(): string[] {
    return this.authorities()
      .slice(0, 2)
      .map((origin) => `${origin}/${tenantId}/v2.0`);
  }
}

function hostName({ headers }: Asked): string {
  return (headers.host ?? '').toLowerCase().replace(/:\d+$/, '');
}
