import type { z } from 'zod';
import type { Cloud } from './clouds';

/** One setting: how its text is read, what it is for and where its value is found. */
export interface Setting<T> {
  schema: z.ZodType<T>;
  /** Taken when the variable is absent or empty; without it the setting is optional if `optional`, else required. */
  defaultText?: string;
  /** The text in the chosen cloud, for settings that differ between clouds; `defaultText` is that of the public one. */
  inCloud?: (text: string | undefined, cloud: Cloud) => string | undefined;
  description: string;
  source: string;
  /** What a well-formed value looks like; said when one is malformed. */
  format: string;
}

export const setting = <T>(definition: Setting<T>): Setting<T> => definition;
