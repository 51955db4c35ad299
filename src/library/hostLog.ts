import type { Log } from '../log';
import { createRedaction, describeError } from '../logSafety';

export interface HostLogOptions {
  secrets: readonly string[];
  /** Replaces the names of settings, which the app does not have. */
  nameOptions: (text: string) => string;
}

/**
 * Gives entries to the app's logger without secrets: errors are reduced to safe fields, since those of SDKs contain the request with its
 * credentials, and all that looks like a token or is one of `secrets` is redacted.
 */
export function createHostLog(logger: Log, { secrets, nameOptions }: HostLogOptions): Log {
  const redact = createRedaction(secrets);
  const adapt = (value: unknown): unknown => {
    if (typeof value === 'string') return nameOptions(redact(value));
    if (Array.isArray(value)) return value.map(adapt);
    if (typeof value !== 'object' || value === null) return value;
    return adaptFields(value);
  };
  const adaptFields = (fields: object) =>
    Object.fromEntries(Object.entries(fields).map(([name, value]) => [name, adapt(value)]));
  const entry =
    (level: keyof Log) =>
    ({ err, ...fields }: Readonly<Record<string, unknown>>, message: string): void => {
      const described = err === undefined ? fields : { ...fields, err: describeError(err) };
      try {
        logger[level](adaptFields(described), String(adapt(message)));
      } catch {
        // Requests do not fail with the app's logger, nor does its process: some lines are logged by event listeners.
      }
    };
  return { debug: entry('debug'), info: entry('info'), warn: entry('warn'), error: entry('error') };
}
