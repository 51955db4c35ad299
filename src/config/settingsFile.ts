import { readFileSync } from 'node:fs';
import { parse, populate } from 'dotenv';
import { isError } from '../errors';

/** Adds the settings in the file to the environment, except those that are set there. Returns how many the file has. */
export function loadSettingsFile(path = '.env'): number {
  try {
    const settings = parse(decode(readFileSync(path)));
    populate(process.env, settings);
    return Object.keys(settings).length;
  } catch (error) {
    // Otherwise the settings in it would only be reported as missing.
    if (isError(error) && !('code' in error && error.code === 'ENOENT'))
      process.stderr.write(`Cannot read ${path}: ${error.message}\n`);
    return 0;
  }
}

/** Windows PowerShell writes UTF-16, with a byte order mark. */
function decode(bytes: Buffer): string {
  return bytes.toString(bytes[0] === 0xff && bytes[1] === 0xfe ? 'utf16le' : 'utf8');
}
