import { broadcastResponseToMainFrame } from '@azure/msal-browser/redirect-bridge';

/** Where every sign-in ends: hands the answer to the page that began it. */
broadcastResponseToMainFrame().catch(() => {
  // Opened by hand, or reloaded: there is no answer to hand over.
  location.replace('/');
});
