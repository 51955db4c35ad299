import { AuthError } from '@azure/msal-browser';
import type { Explanation } from './explanations';

/** Microsoft Entra ID's error codes that people meet while they set this up. */
const entraErrors: Record<string, Omit<Explanation, 'title'>> = {
  AADSTS50011: {
    meaning: 'The app’s registration does not list the address of this page as a redirect URI.',
    whatToDo:
      'Add <this page>/redirect.html to the registration, under the platform “Single-page application”.',
  },
  AADSTS9002326: {
    meaning: 'The redirect URI is registered, but under the platform “Web”, whose apps have a secret.',
    whatToDo: 'Move it to the platform “Single-page application”.',
  },
  AADSTS7000218: {
    meaning: 'The redirect URI is registered, but under the platform “Web”, whose apps have a secret.',
    whatToDo: 'Move it to the platform “Single-page application”.',
  },
  AADSTS700016: {
    meaning: 'The tenant knows no app with this client id.',
    whatToDo: 'Compare the client id and the authority in the settings with the registration.',
  },
  AADSTS90002: {
    meaning: 'There is no such tenant.',
    whatToDo: 'Compare the authority in the settings with the Directory (tenant) ID of the registration.',
  },
  AADSTS500011: {
    meaning: 'The tenant knows no API with the identifier that the scope begins with.',
    whatToDo: 'Compare the scope in the settings with “Expose an API” of the API’s registration.',
  },
  AADSTS650053: {
    meaning: 'The API’s registration does not expose the permission that the scope ends with.',
    whatToDo: 'Add the scope access_as_user under “Expose an API” of the API’s registration.',
  },
  AADSTS650057: {
    meaning: 'The app’s registration does not list the API’s permission.',
    whatToDo: 'Add it under “API permissions” of the app’s registration.',
  },
  AADSTS65001: {
    meaning: 'Neither you nor an administrator has consented to what this app asks for.',
    whatToDo: 'Consent to it, or ask an administrator to.',
    remedy: 'consent',
  },
  AADSTS65004: {
    meaning: 'You declined to consent, so there is no token.',
    whatToDo: 'Sign in again if you have changed your mind.',
    remedy: 'signIn',
  },
  AADSTS50105: {
    meaning: 'Your administrator lets only chosen users into this app, and you are not among them.',
    whatToDo: 'Ask the administrator to assign the app to you.',
  },
};

/** Microsoft Entra ID, or MSAL in its name, would not sign someone in or hand out a token. */
export function explainSignIn(error: unknown, authority: string): Explanation {
  if (!(error instanceof Error)) return unknownProblem('');
  const [aadsts = ''] = /AADSTS\d+/.exec(error.message) ?? [];
  const known = entraErrors[aadsts];
  if (known) return { title: `Microsoft Entra ID refused (${aadsts})`, ...known };
  const code = error instanceof AuthError ? error.errorCode : '';
  if (['access_denied', 'user_cancelled'].includes(code)) {
    return {
      title: 'The sign-in was cancelled',
      meaning: 'Nothing has changed.',
      whatToDo: 'Sign in again whenever you like.',
      remedy: 'signIn',
    };
  }
  if (unreachable.test(code)) return authorityUnreachable(authority);
  return unknownProblem(error.message);
}

const unreachable =
  /^(endpoints_resolution_error|openid_config_error|network_error|no_network_connectivity|post_request_failed|get_request_failed)$/;

/** The page cannot even read where to send people; with the emulator that is mostly its certificate. */
export function authorityUnreachable(authority: string): Explanation {
  const { origin, hostname } = new URL(authority);
  const local = ['localhost', '127.0.0.1', '[::1]'].includes(hostname);
  const link = discoveryAddress(authority);
  if (!local) {
    return {
      title: 'The sign-in service cannot be reached',
      meaning: `Your browser got no answer from ${origin}.`,
      whatToDo: 'Check your connection, and the authority in the settings.',
      remedy: 'repeat',
      link,
    };
  }
  return {
    title: 'Your browser does not trust the emulator yet',
    meaning: `The emulator at ${origin} made its own certificate, which your browser does not know; or the emulator is not running.`,
    whatToDo:
      'Open the address below once and accept the warning; it is your own machine. Then come back: this page looks again by ' +
      'itself. How to trust the certificate for good stands in docs/single-page-app.md.',
    remedy: 'repeat',
    link,
  };
}

export function discoveryAddress(authority: string): string {
  return `${authority}/v2.0/.well-known/openid-configuration`;
}

function unknownProblem(message: string): Explanation {
  return {
    title: 'The sign-in did not work',
    meaning: message === '' ? 'No reason was given.' : message,
    whatToDo: 'Sign in again. If it stays, compare the settings with the app registration.',
    remedy: 'signIn',
  };
}
