import { EventEmitter } from 'node:events';
import { createRedaction, describeError } from './logSafety';
import { type DestinationStream, type Logger, pino } from 'pino';

export interface LoggerOptions {
  level: string;
  /** Values that are redacted wherever they appear in a log line. */
  secrets: readonly string[];
  /** Added to each line that belongs to a request. */
  requestIds?: (() => object | undefined) | undefined;
  destination?: DestinationStream | undefined;
}

/**
 * Logs one JSON object per line to standard output. Two safeguards keep secrets out: errors are reduced to a list of safe
 * fields, and everything that looks like a token or is one of `secrets` is redacted from each line.
 */
export function createLogger({ level, secrets, requestIds, destination }: LoggerOptions): Logger {
  const redact = createRedaction(secrets);
  const output = destination ?? createLogOutput(1);
  const log = pino(
    {
      level,
      base: null,
      messageKey: 'message',
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      serializers: { err: describeError },
      ...(requestIds ? { mixin: () => ({ ...requestIds() }) } : {}),
      hooks: { streamWrite: redact },
    },
    output,
  );
  if (output instanceof EventEmitter) reportDroppedLines(output, log);
  return log;
}

const maxBufferedLength = 16 * 1024 * 1024;

/**
 * While the output takes no more, because nobody reads it or the disk is full, lines are kept in memory up to a limit, then dropped. Each
 * flush tries again.
 */
export function createLogOutput(fileDescriptor: number, maxLength = maxBufferedLength) {
  const options = { sync: false, minLength: 4_096, periodicFlush: 100, maxLength };
  const output = pino.destination({ ...options, dest: fileDescriptor });
  output.on('error', () => undefined);
  // It would block the process until the output takes more.
  output.flushSync = () => undefined;
  const flush = output.flush.bind(output);
  // While a write is in progress, a flush ends with that write, and leaves the lines that came later to the next.
  output.flush = (callback) => flush(callback && (() => flush(callback)));
  return output;
}

function reportDroppedLines(output: EventEmitter, log: Logger): void {
  let lines = 0;
  output.on('drop', () => (lines += 1));
  output.on('drain', () => {
    if (lines === 0) return;
    log.warn({ lines }, 'log lines were dropped: standard output was blocked');
    lines = 0;
  });
}
