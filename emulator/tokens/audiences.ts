import { authServer } from '../seed';

/** Of tokens for the API, by their version. */
export function apiAudience(version: 1 | 2): string {
  return version === 1 ? authServer.appIdUri : authServer.clientId;
}

/** The audiences of the tokens that are for Microsoft's own services. */
export const graphAudience = 'https://graph.microsoft.com';
export const graphAppId = '00000003-0000-0000-c000-000000000000';
export const teamsAudience = 'https://auth.msft.communication.azure.com';
export const teamsAppId = '1fd5118e-2576-4263-8130-9503064c837a';
/** SDKs ask for `https://communication.azure.com//.default`, so that the audience has a slash at its end. */
export const communicationAudiences = ['https://communication.azure.com', 'https://communication.azure.com/'];
export const storageAudiences = ['https://storage.azure.com', 'https://storage.azure.com/'];
export const graphAudiences = [graphAudience, `${graphAudience}/`, graphAppId];
/** What an application's federated credential takes instead of a secret or a certificate. */
export const tokenExchangeAudience = 'api://AzureADTokenExchange';
