// Loaded on demand: see msal.ts.
export { createDefaultHttpClient } from '@azure/core-rest-pipeline';
export { ManagedIdentityCredential } from '@azure/identity';
