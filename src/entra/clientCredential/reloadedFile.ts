import { readFile } from 'node:fs/promises';
import type { Log } from '../../log';
import { isError } from '../../errors';
import { withDeadline, withSignal } from '../../resilience/deadline';

/** A file whose content may be replaced while the server runs. */
export interface ReloadedFile<T> {
  /**
   * The current content. If the file cannot be read or parsed, its last usable content; throws if there was none. Concurrent callers share
   * one read.
   */
  current(): Promise<T>;
}

export interface ReloadedFileOptions<T> {
  path: string;
  /** The setting that names the file, for the log. */
  setting: string;
  parse: (text: string) => T;
  /** Called with each new content. */
  onLoaded?: (value: T) => void;
  /** Network drives may hang. */
  timeLimitInMs: number;
  log?: Log | undefined;
}

/**
 * Reads the file each time instead of watching it: events are not delivered on network drives, and files that Kubernetes mounts are
 * replaced by renaming a folder above them.
 */
export function createReloadedFile<T>(options: ReloadedFileOptions<T>): ReloadedFile<T> {
  const { path, setting, parse, onLoaded, timeLimitInMs, log } = options;
  let last: { text: string; value: T } | undefined;
  let lastProblem: string | undefined;
  let reading: Promise<T> | undefined;

  async function read(): Promise<T> {
    try {
      const text = await withDeadline(timeLimitInMs, undefined, ({ signal }) =>
        withSignal(readFile(path, { encoding: 'utf8', signal }), signal),
      );
      if (last?.text !== text) {
        last = { text, value: parse(text) };
        onLoaded?.(last.value);
      }
      lastProblem = undefined;
      return last.value;
    } catch (error) {
      if (last === undefined) throw error;
      const problem = isError(error) ? error.message : 'unknown';
      if (problem !== lastProblem) {
        lastProblem = problem;
        log?.warn({ err: error, path }, `cannot use the file in ${setting}: its last content stays in use`);
      }
      return last.value;
    }
  }

  return {
    current: () => (reading ??= read().finally(() => (reading = undefined))),
  };
}
