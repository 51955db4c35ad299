// Loaded on demand: see entra/msal.ts.
export { AzureNamedKeyCredential, TableClient } from '@azure/data-tables';
