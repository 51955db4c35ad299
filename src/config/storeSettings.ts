import { z } from 'zod';
import { clouds } from './clouds';
import { httpsOrigin, mappingKeys } from './formats';
import { setting } from './setting';
import { tableConnectionString, tableEndpoint, withEndpointSuffix } from './tableConnection';

/** Where the identity of a user is kept. */
export const storeSettings = {
  IDENTITY_STORE: setting({
    schema: z.enum(['graph', 'table', 'acs']),
    defaultText: 'graph',
    description: 'where the mappings of users to communication identities are kept',
    source:
      'graph: on the user in Microsoft Entra ID; table: in Azure Table Storage or Cosmos DB; acs (preview): in Communication Services',
    format: 'graph, table or acs',
  }),
  IDENTITY_STORE_FALLBACK: setting({
    schema: z.enum(['none', 'graph']),
    defaultText: 'none',
    description: 'the previous store, from which a user is moved to IDENTITY_STORE=table on first use',
    source: 'none; graph while you move users',
    format: 'none or graph',
  }),
  TABLES_CONNECTION_STRING: setting({
    schema: tableConnectionString.optional(),
    inCloud: (text, { storageSuffix }) => text && withEndpointSuffix(text, storageSuffix),
    description: 'the storage account or Cosmos DB account whose table keeps the mappings, and its key',
    source:
      'Azure portal > your storage account > Access keys, or your Cosmos DB account > Connection String',
    format:
      'DefaultEndpointsProtocol=https;AccountName=<account>;AccountKey=<base64>;EndpointSuffix=core.windows.net, or with TableEndpoint=<url>; ' +
      'not a shared access signature, which expires',
  }),
  TABLES_ENDPOINT: setting({
    schema: tableEndpoint.optional(),
    description: 'the table service, to be reached with a managed identity instead of an account key',
    source: 'Azure portal > your storage account > Endpoints > Table service',
    format: 'https://<account>.table.core.windows.net, or https://<account>.table.cosmos.azure.com',
  }),
  TABLES_NAME: setting({
    schema: z.string().regex(/^(?!tables$)[A-Za-z][A-Za-z0-9]{2,62}$/i),
    defaultText: 'identityMappings',
    description: 'the table that keeps the mappings; created if it does not exist',
    source: 'your choice, once: users in another table are not found',
    format: '3 to 63 letters and digits, a letter first',
  }),
  GRAPH_ENDPOINT: setting({
    schema: httpsOrigin,
    defaultText: clouds.public.graphEndpoint,
    inCloud: (text, cloud) => text ?? cloud.graphEndpoint,
    description: 'the Microsoft Graph host of your cloud',
    source: 'leave it out, unless you use the emulator; AZURE_CLOUD chooses it',
    format: 'an https address without a path',
  }),
  GRAPH_EXTENSION_NAME: setting({
    schema: z
      .string()
      .max(120)
      .regex(/^(?!com\.(on)?microsoft)[A-Za-z][A-Za-z0-9]*(\.[A-Za-z0-9]+(-+[A-Za-z0-9]+)*)+$/i),
    defaultText: 'com.contoso.identityMapping',
    description: "the open extension on the Entra user that keeps the user's identity mapping",
    source: 'your choice, once: users mapped under another name are not found',
    format: 'a name in reverse DNS order, not under com.microsoft or com.onmicrosoft',
  }),
  IDENTITY_MAPPING_KEY: setting({
    schema: mappingKeys,
    description:
      'the secret key that seals identity mappings, so that users cannot change them; with IDENTITY_STORE=acs, that hides who a user is',
    source: `create one with: node -p "require('node:crypto').randomBytes(32).toString('base64')" and keep it: mappings sealed with an unknown key are rejected`,
    format:
      'base64 of 32 bytes or more; while a key is rotated, the new and the old key, separated by a comma',
  }),
  IDENTITY_MAPPING_UNSIGNED: setting({
    schema: z.enum(['reject', 'adopt']),
    defaultText: 'reject',
    description: 'what to do with mappings without a seal, such as those of the original sample',
    source: 'reject; adopt only while you take over users of the original sample',
    format: 'reject or adopt',
  }),
};
