import { apiUrl } from './settings';
import { getAccessTokenOrSignIn, signInWithClaims } from './signIn';

/** Sends a request for the signed-in user. Leaves the page if the user must do more than be signed in. */
export async function callApi(path: string, method = 'GET'): Promise<Response> {
  const accessToken = await getAccessTokenOrSignIn();
  const response = await fetch(`${apiUrl}${path}`, {
    method,
    headers: { Authorization: `Bearer ${accessToken}` },
  });
  const claims = claimsOf(response);
  if (claims !== undefined) await signInWithClaims(claims);
  if (!response.ok) throw new Error(await messageOf(response));
  return response;
}

/** The claims of a challenge, which a new sign-in must satisfy. */
function claimsOf({ status, headers }: Response): string | undefined {
  const [, claims] = /\bclaims="([^"]+)"/.exec(headers.get('WWW-Authenticate') ?? '') ?? [];
  return status === 401 && claims !== undefined ? atob(claims) : undefined;
}

async function messageOf(response: Response): Promise<string> {
  const { error } = (await response.json()) as { error: { code: string; message: string } };
  return `${error.message} (${error.code})`;
}
