import { AuthError } from '@azure/msal-browser';
import type { Explanation } from './explanations';

/** Common error codes of Microsoft Entra ID during setup. */
const entraErrors: Record<string, Omit<Explanation, 'title'>> = {
  AADSTS50011: {
    meaning: 'The URL of this page is not a redirect URI of the app registration.',
    whatToDo:
      'Add <this page>/redirect.html to the registration, under the platform “Single-page application”.',
  },
  AADSTS9002326: {
    meaning: 'The redirect URI is registered under the platform “Web”, which requires a client secret.',
    whatToDo: 'Move it to the platform “Single-page application”.',
  },
  AADSTS7000218: {
    meaning: 'The redirect URI is registered under the platform “Web”, which requires a client secret.',
    whatToDo: 'Move it to the platform “Single-page application”.',
  },
  AADSTS700016: {
    meaning: 'The tenant has no app with this client ID.',
    whatToDo: 'Compare the client ID and the authority in the settings with the registration.',
  },
  AADSTS90002: {
    meaning: 'The tenant does not exist.',
    whatToDo: 'Compare the authority in the settings with the Directory (tenant) ID of the registration.',
  },
  AADSTS500011: {
    meaning: 'The tenant has no API with the identifier in the scope.',
    whatToDo: 'Compare the scope in the settings with “Expose an API” of the API’s registration.',
  },
  AADSTS650053: {
    meaning: 'The API’s registration does not expose the permission in the scope.',
    whatToDo: 'Add the scope access_as_user under “Expose an API” of the API’s registration.',
  },
  AADSTS650057: {
    meaning: 'The app’s registration does not include the API’s permission.',
    whatToDo: 'Add it under “API permissions” of the app’s registration.',
  },
  AADSTS65001: {
    meaning: 'Neither you nor an administrator has consented to the permissions of this app.',
    whatToDo: 'Give your consent, or ask an administrator to.',
    remedy: 'consent',
  },
  AADSTS65004: {
    meaning: 'You declined to consent, so no token was issued.',
    whatToDo: 'Sign in again to consent.',
    remedy: 'signIn',
  },
  AADSTS50105: {
    meaning: 'The app requires user assignment, and you are not assigned to it.',
    whatToDo: 'Ask the administrator to assign the app to you.',
  },
};

/** Explains a failed sign-in or token request of MSAL. */
export function explainSignIn(error: unknown, authority: string): Explanation {
  if (!(error instanceof Error)) return unknownProblem('');
  const [aadsts = ''] = /AADSTS\d+/.exec(error.message) ?? [];
  const known = entraErrors[aadsts];
  if (known) return { title: `Microsoft Entra ID rejected the sign-in (${aadsts})`, ...known };
  const code = error instanceof AuthError ? error.errorCode : '';
  if (['access_denied', 'user_cancelled'].includes(code)) {
    return {
      title: 'The sign-in was cancelled',
      meaning: 'Nothing has changed.',
      whatToDo: 'Sign in when you are ready.',
      remedy: 'signIn',
    };
  }
  if (unreachable.test(code)) return authorityUnreachable(authority);
  return unknownProblem(error.message);
}

const unreachable =
  /^(endpoints_resolution_error|openid_config_error|network_error|no_network_connectivity|post_request_failed|get_request_failed)$/;

/** The authority's metadata cannot be loaded. With the emulator, the usual cause is its certificate. */
export function authorityUnreachable(authority: string): Explanation {
  const { origin, hostname } = new URL(authority);
  const local = ['localhost', '127.0.0.1', '[::1]'].includes(hostname);
  const link = discoveryUrl(authority);
  if (!local) {
    return {
      title: 'The sign-in service cannot be reached',
      meaning: `Your browser got no response from ${origin}.`,
      whatToDo: 'Check your network connection and the authority in the settings.',
      remedy: 'repeat',
      link,
    };
  }
  return {
    title: 'Your browser does not trust the emulator yet',
    meaning: `The emulator at ${origin} uses its own certificate, which your browser does not trust, or it is not running.`,
    whatToDo:
      'Open the link below, accept the warning (the emulator runs on your machine), and return to this page, which then ' +
      'checks again. To trust the certificate permanently, see docs/single-page-app.md.',
    remedy: 'repeat',
    link,
  };
}

export function discoveryUrl(authority: string): string {
  return `${authority}/v2.0/.well-known/openid-configuration`;
}

function unknownProblem(message: string): Explanation {
  return {
    title: 'The sign-in failed',
    meaning: message === '' ? 'Unknown error.' : message,
    whatToDo: 'Sign in again. If the error persists, compare the settings with the app registration.',
    remedy: 'signIn',
  };
}

export const secondAccountNeeded: Explanation = {
  title: 'This needs a second account',
  meaning: 'The page calls the API as you, but sends the Teams token of another user.',
  whatToDo: 'Sign in with a second account. You stay signed in as the first one.',
  remedy: 'otherAccount',
  note: true,
};
