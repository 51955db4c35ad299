/** An empty setting counts as absent, as in a copied .env.sample. The defaults are the emulator's. */
function setting(value: unknown, emulators: string): string {
  return typeof value === 'string' && value !== '' ? value : emulators;
}

export const authority = setting(
  import.meta.env.VITE_AUTHORITY,
  'https://localhost:8443/7e4a0000-0000-4000-8000-000000000001',
);
export const clientId = setting(import.meta.env.VITE_CLIENT_ID, 'c11e0000-0000-4000-8000-000000000003');
export const apiScope = setting(
  import.meta.env.VITE_API_SCOPE,
  'api://a9150000-0000-4000-8000-000000000002/access_as_user',
);
export const apiUrl = setting(import.meta.env.VITE_API_URL, 'http://localhost:3000');
/** Empty: there is no chat service, as with the emulator. */
export const communicationEndpoint = setting(import.meta.env.VITE_COMMUNICATION_ENDPOINT, '');
