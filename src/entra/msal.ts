// Loaded on demand. If the package were loaded directly, the bundle would contain its ES modules, too.
export { ConfidentialClientApplication } from '@azure/msal-node';
