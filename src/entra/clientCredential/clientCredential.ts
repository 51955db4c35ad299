import type { NodeAuthOptions } from '@azure/msal-node';
import type { Log } from '../../log';
import type { Deadline } from '../../resilience/deadline';
import type { Telemetry } from '../../telemetry/telemetry';
import type { Timings } from '../../timings';

/** What proves to Microsoft Entra ID that a token request comes from the registered application. */
export interface ClientCredential {
  /** The part of MSAL's settings. Reads a file or calls the identity endpoint if needed. Throws UpstreamError. */
  forMsal(deadline: Deadline): Promise<MsalCredential>;
  /** What an operator compares with the registration; never a secret. For an assertion it is known after the first use. */
  describe(): CredentialDescription;
}

export type MsalCredential = Pick<NodeAuthOptions, 'clientSecret' | 'clientCertificate' | 'clientAssertion'>;

export type CredentialDescription =
  | { readonly setting: 'AZURE_CLIENT_SECRET' }
  | {
      readonly setting: 'AZURE_CLIENT_CERTIFICATE_PATH';
      /** SHA-1, as the portal shows it. */
      readonly thumbprint: string;
      readonly expires: string;
    }
  | {
      readonly setting: 'AZURE_CLIENT_ASSERTION' | 'AZURE_FEDERATED_TOKEN_FILE';
      readonly issuer?: string | undefined;
      readonly subject?: string | undefined;
      readonly audience?: string | undefined;
    };

export interface ClientCredentialOptions {
  timings: Timings['upstream'];
  log: Log;
  telemetry?: Telemetry | undefined;
}
