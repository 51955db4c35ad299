import { broadcastResponseToMainFrame } from '@azure/msal-browser/redirect-bridge';

/** The redirect URI: passes the response of the sign-in to the page that started it. */
broadcastResponseToMainFrame().catch(() => {
  // Opened manually or reloaded: there is no response.
  location.replace('/');
});
