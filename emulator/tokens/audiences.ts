/** The audiences of the tokens that are for Microsoft's own services. */
export const graphAudience = 'https://graph.microsoft.com';
export const graphAppId = '00000003-0000-0000-c000-000000000000';
export const teamsAudience = 'https://auth.msft.communication.azure.com';
export const teamsAppId = '1fd5118e-2576-4263-8130-9503064c837a';
