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

interface ReceivedRequest {
  readonly headers: { host?: string | undefined };
}

/**
 * The names of the services: always the loopback URL, and with `publicNames` those of Azure. Endpoints, issuers and OData
 * contexts contain the name that the client used.
 */
export class Names {
  constructor(
    readonly url: string,
    readonly publicNames: boolean,
  ) {}

  /** The service of a public name; undefined for a loopback name, which all services share. */
  serviceOf(request: ReceivedRequest): Service | undefined {
    const host = hostName(request);
    if (!this.publicNames) return undefined;
    if (authorityHosts.includes(host)) return 'entra';
    if (host === graphHost) return 'graph';
    return host.endsWith(`.${communicationDomain}`) ? 'acs' : undefined;
  }

  /** The address of Entra that the caller used. */
  authority(request: ReceivedRequest): string {
    return this.serviceOf(request) === 'entra' ? `https://${request.headers.host ?? ''}` : this.url;
  }

  /** The address in the issuers: under every public name, the first of Entra's. */
  issuerOrigin(request: ReceivedRequest): string {
    return this.serviceOf(request) === undefined ? this.url : publicIssuerOrigin;
  }

  graph(request: ReceivedRequest): string {
    return this.serviceOf(request) === undefined ? this.url : `https://${graphHost}`;
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

function hostName({ headers }: ReceivedRequest): string {
  return (headers.host ?? '').toLowerCase().replace(/:\d+$/, '');
}
