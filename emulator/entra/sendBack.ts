import { redirect, type Reply } from '../http/exchange';
import type { ReturnAddress } from './authorizationRequest';
import { formPostPage } from './pages';

/** Sends the browser back to the client with the response to its authorization request. */
export function sendBack(
  { redirectUri, responseMode, state }: Pick<ReturnAddress, 'redirectUri' | 'responseMode' | 'state'>,
  response: Record<string, string>,
): Reply {
  const fields = new URLSearchParams(response);
  if (state !== null) fields.set('state', state);
  if (responseMode === 'form_post') return formPostPage(redirectUri, fields);
  if (responseMode === 'fragment') return redirect(`${redirectUri}#${fields.toString()}`);
  const separator = redirectUri.includes('?') ? '&' : '?';
  return redirect(`${redirectUri}${separator}${fields.toString()}`);
}

/** Sends the browser back to the client after a logout. */
export function sendBackSignedOut(target: string, state: string | null): Reply {
  const location = new URL(target);
  if (state !== null) location.searchParams.set('state', state);
  return redirect(location.href);
}
