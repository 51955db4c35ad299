// Loaded on demand: see entra/msal.ts.
export { CommunicationIdentityClient } from '@azure/communication-identity';
