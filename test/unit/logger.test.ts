import { mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createLogger, createLogOutput, type LoggerOptions } from '../../src/logger';

const secret = 'canary~secret.of/the+registration==';
const token = [{ alg: 'RS256' }, { oid: 'canary' }]
  .map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'))
  .concat('c2lnbmF0dXJl')
  .join('.');

function createTestLogger(options: Partial<LoggerOptions> = {}) {
  const lines: string[] = [];
  const destination = { write: (line: string) => void lines.push(line) };
  return { log: createLogger({ level: 'trace', secrets: [secret], destination, ...options }), lines };
}

function lineOf(write: (log: ReturnType<typeof createTestLogger>['log']) => void): Record<string, unknown> {
  const { log, lines } = createTestLogger();
  write(log);
  expect(lines).toHaveLength(1);
  return JSON.parse(lines[0] ?? '') as Record<string, unknown>;
}

it('writes one JSON object per line, with the level as a word and the time in UTC', () => {
  expect(lineOf((log) => log.warn({ upstream: 'x' }, 'it happened'))).toEqual({
    level: 'warn',
    time: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
    upstream: 'x',
    message: 'it happened',
  });
});

it('omits entries below its level', () => {
  const { log, lines } = createTestLogger({ level: 'warn' });
  log.info('not of interest');
  log.error('of interest');
  expect(lines).toHaveLength(1);
});

it('is flushed with the lines that follow while an earlier one is being written', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'log-'));
  const file = join(folder, 'log');
  const output = createLogOutput(openSync(file, 'w'));
  const { log } = createTestLogger({ destination: output });
  // Long enough to be written without waiting for more.
  log.info('x'.repeat(5_000));
  log.info('the last one');
  await new Promise<void>((resolve) => log.flush(() => resolve()));
  const written = readFileSync(file, 'utf8');
  output.destroy();
  rmSync(folder, { recursive: true });
  expect(written.trimEnd().split('\n')).toHaveLength(2);
});

describe('a secret', () => {
  it.each<[string, string]>([
    ['as it is', secret],
    ['in a sentence', `refused: ${secret}.`],
    ['in upper case', secret.toUpperCase()],
    ['URL-encoded', `client_secret=${encodeURIComponent(secret)}&x=1`],
    ['twice', `${secret} ${secret}`],
  ])('is removed: %s', (_, text) => {
    const line = JSON.stringify(lineOf((log) => log.error({ text, nested: { list: [text] } }, text)));
    expect(line).not.toMatch(/canary|%2Bregistration/i);
    expect(line).toContain('[redacted]');
  });

  it.each([
    ['a quotation mark', 'canary"secret'],
    ['a backslash', 'canary\\secret'],
    ['a space', 'canary secret'],
    ['regular expression characters', '(canary|secret)[a-z]*$^.?+{2}'],
    ['non-Latin letters', 'canary-секрет-秘密'],
  ])('that contains %s is removed, and the line is still JSON', (_, odd) => {
    const { log, lines } = createTestLogger({ secrets: [odd] });
    const form = new URLSearchParams({ client_secret: odd }).toString();
    log.error({ err: new Error(`refused: ${odd}`), form }, `was ${odd}`);
    expect(JSON.parse(lines[0] ?? '')).toMatchObject({ message: 'was [redacted]' });
    expect(lines[0]).not.toContain('canary');
  });

  it('that is empty or a single letter is ignored', () => {
    const { log, lines } = createTestLogger({ secrets: ['', 'a'] });
    log.info('a plain message');
    expect(JSON.parse(lines[0] ?? '')).toMatchObject({ message: 'a plain message' });
  });
});

it.each<[string, string]>([
  ['as it is', token],
  ['with a Bearer prefix', `Authorization: Bearer ${token}`],
  ['without its signature', token.slice(0, token.lastIndexOf('.'))],
  ['in a URL', `https://contoso.com/?access_token=${token}&x=1`],
  ['in a JSON string', JSON.stringify({ token })],
])('a token is removed: %s', (_, text) => {
  const line = JSON.stringify(lineOf((log) => log.error({ text }, text)));
  for (const part of token.split('.').slice(0, 2)) expect(line).not.toContain(part);
});

it('the beginning of a token, over and over, is searched in a time that grows with its length only', () => {
  const path = `/${'eyJ'.repeat(60_000)}`;
  const startedAt = performance.now();
  expect(lineOf((log) => log.info({ path })).path).toBe(path);
  // It takes a few milliseconds. With the square of the length it would be half a minute.
  expect(performance.now() - startedAt).toBeLessThan(5_000);
});

it.each(['accesskey=Y2FuYXJ5', 'AccessKey=Y2FuYXJ5;x=1'])(
  'the key of a connection string is removed: %s',
  (text) => {
    const line = JSON.stringify(
      lineOf((log) => log.error(`Invalid connection string endpoint=https://x/;${text}`)),
    );
    expect(line).not.toContain('Y2FuYXJ5');
    expect(line).toContain('endpoint=https://x/');
  },
);

describe('an error', () => {
  it('is logged with name, message, code, stack and causes, and no other property', () => {
    const request = { headers: { authorization: 'canary' } };
    const cause = Object.assign(new TypeError('the inner one'), { code: 'ECONNRESET', request });
    const error = Object.assign(new Error('the outer one', { cause }), {
      statusCode: 500,
      request,
      config: request,
    });
    const line = lineOf((log) => log.error({ err: error }, 'failed'));
    expect(line.err).toEqual({
      type: 'Error',
      message: 'the outer one',
      stack: expect.stringContaining('the outer one'),
      cause: { type: 'TypeError', message: 'the inner one', code: 'ECONNRESET' },
    });
  });

  it('that is its own cause is logged once', () => {
    const error = new Error('around and around');
    error.cause = error;
    expect(JSON.stringify(lineOf((log) => log.error({ err: error }))).length).toBeLessThan(10_000);
  });

  it.each([
    ['a string', 'canary'],
    ['nothing', null],
    ['an object', { message: 'canary' }],
  ])('that is not an Error but %s is not logged', (_, thrown) => {
    const line = lineOf((log) => log.error({ err: thrown }, 'failed'));
    expect(JSON.stringify(line)).not.toContain('canary');
  });
});
