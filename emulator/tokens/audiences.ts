import { authServer } from '../seed';

/** The audience of tokens for the API, by token version. */
export function apiAudience(version: 1 | 2): string {
  return version === 1 ? authServer.appIdUri : authServer.clientId;
}

/** The audiences of the tokens that are for Microsoft's own services. */
export const graphAudience = 'https://graph.microsoft.com';
export const graphAppId = '00000003-0000-0000-c000-000000000000';
export const teamsAudience = 'https://auth.msft.communication.azure.com';
export const teamsAppId = '1fd5118e-2576-4263-8130-9503064c837a';
/** SDKs request `https://communication.azure.com//.default`, so the audience ends with a slash. */
export const communicationAudiences = ['https://communication.azure.com', 'https://communication.azure.com/'];
export const storageAudiences = ['https://storage.azure.com', 'https://storage.azure.com/'];
export const graphAudiences = [graphAudience, `${graphAudience}/`, graphAppId];
/** The audience of tokens for a federated credential. */
export const tokenExchangeAudience = 'api://AzureADTokenExchange';
