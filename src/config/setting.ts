import type { z } from 'zod';
import type { Cloud } from './clouds';

/** One setting: how its text is read, what it is for and where its value is found. */
export interface Setting<T> {
  schema: z.ZodType<T>;
  /** Used if the variable is absent or empty. Without it, the setting is required unless it is `optional`. */
  defaultText?: string;
  /** The default in the chosen cloud, for settings that differ between clouds; `defaultText` is for the public cloud. */
  inCloud?: (text: string | undefined, cloud: Cloud) => string | undefined;
  description: string;
  source: string;
  /** What a well-formed value looks like, for the message about a malformed one. */
  format: string;
}

export const setting = <T>(definition: Setting<T>): Setting<T> => definition;
