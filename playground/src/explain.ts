import { type Explanation, explanations } from './explanations';
import type { Exchange } from './recorder';

/** Explains a failed request; undefined if it succeeded. */
export function explain(exchange: Exchange): Explanation | undefined {
  const { response } = exchange;
  if (!response) {
    const { origin } = new URL(exchange.url);
    return {
      title: 'No response from the API',
      meaning:
        `Either the API at ${origin} is not running, or it does not allow this page (CORS). The browser does not tell a ` +
        'page which of the two it is.',
      whatToDo: `Start the API, and add ${location.origin} to its CORS_ALLOWED_ORIGINS.`,
      remedy: 'repeat',
    };
  }
  if (response.status < 400) return undefined;
  const explanation = explanations[response.headers['x-ms-error-code'] ?? ''];
  if (explanation) return { ...documentationOf(exchange), ...explanation };
  return {
    title: `Unexpected response: ${response.status}`,
    meaning: 'The response has no error code of the API. It may come from a proxy.',
    whatToDo: 'See the response below.',
  };
}

/** The page to which the API's error links, if it names one. */
function documentationOf({ url, response }: Exchange): { link?: string } {
  const { error } = (response?.body ?? {}) as { error?: { documentation?: unknown } };
  const documentation = error?.documentation;
  return typeof documentation === 'string' && URL.canParse(documentation, url)
    ? { link: new URL(documentation, url).href }
    : {};
}

/** What a successful request returned, as text and for further use. */
export function readResult(
  { response, durationInMs }: Exchange,
  successNote: string | undefined,
): { token: string | undefined; details: string } {
  const { token, user } = (response?.body ?? {}) as {
    token?: string;
    user?: { communicationUserId?: string };
  };
  const details = [
    ...(successNote === undefined ? [] : [successNote]),
    `The API returned ${response?.status ?? ''} in ${durationInMs} ms.`,
    ...(user?.communicationUserId ? [`Your identity is ${user.communicationUserId}.`] : []),
  ];
  return { token, details: details.join(' ') };
}
