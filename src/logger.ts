import { describeError, secretPatternOf } from './logSafety';
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
  const secretPattern = secretPatternOf(secrets);
  return pino(
    {
      level,
      base: null,
      messageKey: 'message',
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      serializers: { err: describeError },
      ...(requestIds ? { mixin: () => ({ ...requestIds() }) } : {}),
      hooks: { streamWrite: (line) => line.replace(secretPattern, '[redacted]') },
    },
    destination ?? pino.destination({ dest: 1, sync: false, minLength: 4_096, periodicFlush: 100 }),
  );
}
