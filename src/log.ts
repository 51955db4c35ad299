/** Writes one log entry: its fields and a message. */
export type LogEntry = (fields: Readonly<Record<string, unknown>>, message: string) => void;

/** What the server's parts need of a logger. pino's satisfies it. */
export interface Log {
  debug: LogEntry;
  info: LogEntry;
  warn: LogEntry;
  error: LogEntry;
}

export const silentLog: Log = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
};
