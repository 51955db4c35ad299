// For `import()` on demand. A package that is imported directly is loaded as many ES modules, which takes three times as long.
export { ConfidentialClientApplication } from '@azure/msal-node';
