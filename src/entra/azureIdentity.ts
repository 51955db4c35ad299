// For `import()` on demand: see msal.ts.
export { ManagedIdentityCredential } from '@azure/identity';
