import type { Response } from 'supertest';
import type { TestServer } from './startSystem';

/** Everything that leaves the server process, except its upstream calls. */
export interface ServerOutput {
  readonly logged: readonly string[];
  readonly written: readonly string[];
  readonly responses: readonly Response[];
}

/** Captures what libraries write to standard output and error, until `jest.restoreAllMocks()`. */
export function catchOutput(): string[] {
  const written: string[] = [];
  for (const stream of [process.stdout, process.stderr]) {
    jest.spyOn(stream, 'write').mockImplementation((chunk) => {
      written.push(typeof chunk === 'string' ? chunk : Buffer.from(chunk).toString('utf8'));
      return true;
    });
  }
  return written;
}

/** The parts of a token that must not appear: claims and signature are enough to rebuild it. */
export function partsOf(token: string): string[] {
  const [, claims, signature] = token.split('.');
  return [token, claims, signature].filter((part) => part !== undefined && part.length >= 16) as string[];
}

/** The encodings in which a secret might appear. */
function formsOf(secret: string): string[] {
  const base64 = Buffer.from(secret).toString('base64').replace(/=+$/, '');
  return [secret, encodeURIComponent(secret), JSON.stringify(secret).slice(1, -1), base64];
}

const anyToken = /eyJ[\w-]{8,}\.[\w-]{8,}/;

/**
 * Throws, without printing it, if a secret or a token leaked. Only the body of a 200 may contain a token.
 */
export function expectNothingLeaked(
  { logged, written, responses }: ServerOutput,
  secrets: readonly string[],
): void {
  const places = [
    ...logged.map((text) => ({ place: 'the log', text })),
    ...written.map((text) => ({ place: 'standard output or error', text })),
    ...responses.map(({ headers }) => ({ place: 'a header of a response', text: JSON.stringify(headers) })),
    ...responses
      .filter(({ status }) => status !== 200)
      .map(({ status, text }) => ({ place: `the body of a ${status}`, text })),
  ];
  expect(places).not.toEqual([]);
  const forms = secrets.flatMap(formsOf);
  const leaks = places.filter(({ text }) => anyToken.test(text) || forms.some((form) => text.includes(form)));
  expect(leaks.map(({ place, text }) => `${place}: ${text.slice(0, 60)}…`)).toEqual([]);
}

export function serverOutput(
  { rawLog }: TestServer,
  written: readonly string[],
  responses: readonly Response[],
): ServerOutput {
  return { logged: [...rawLog], written, responses };
}
