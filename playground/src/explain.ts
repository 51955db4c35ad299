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
  return (
    explanations[response.headers['x-ms-error-code'] ?? ''] ?? {
      title: `Unexpected response: ${response.status}`,
      meaning: 'The response has no error code of the API. It may come from a proxy.',
      whatToDo: 'See the response below.',
    }
  );
}

/** What a successful request returned, as text and for further use. */
export function readResult(
  { response, durationInMs }: Exchange,
  remark: string | undefined,
): { token: string | undefined; details: string } {
  const { token, user } = (response?.body ?? {}) as {
    token?: string;
    user?: { communicationUserId?: string };
  };
  const details = [
    ...(remark === undefined ? [] : [remark]),
    `The API returned ${response?.status ?? ''} in ${durationInMs} ms.`,
    ...(user?.communicationUserId ? [`Your identity is ${user.communicationUserId}.`] : []),
  ];
  return { token, details: details.join(' ') };
}
