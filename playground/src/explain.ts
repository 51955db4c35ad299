import { type Explanation, explanations } from './explanations';
import type { Exchange } from './recorder';

/** What went wrong; undefined if nothing did. */
export function explain(exchange: Exchange): Explanation | undefined {
  const { answer } = exchange;
  if (!answer) {
    const { origin } = new URL(exchange.url);
    return {
      title: 'The API did not answer',
      meaning:
        `Nothing came back from ${origin}. Either it is not running, or it does not allow this page: a browser tells ` +
        'a page no more than that.',
      whatToDo: `Start the API, and list ${location.origin} in its CORS_ALLOWED_ORIGINS.`,
      remedy: 'repeat',
    };
  }
  if (answer.status < 400) return undefined;
  return (
    explanations[answer.headers['x-ms-error-code'] ?? ''] ?? {
      title: `The API answered ${answer.status}`,
      meaning: 'The answer bears no error code of the API: something in between may have given it.',
      whatToDo: 'Look at the answer below.',
    }
  );
}
