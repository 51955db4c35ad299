import { type Clock } from './clock';
import { type Limits } from './limits';
import { type Directory } from './state/directory';
import { type Switches } from './switches';
import { type SigningKey, type SigningKeys } from './tokens/signingKeys';
import { type TokenForge } from './tokens/tokenForge';

/** What the services of one emulator share. */
export interface EmulatorContext {
  readonly url: string;
  readonly clock: Clock;
  readonly directory: Directory;
  readonly forge: TokenForge;
  readonly limits: Limits;
  readonly switches: Switches;
  /** Seals what the emulator hands out and takes back. */
  readonly secret: Buffer;
  /** Entra's keys, which sign what Entra issues … */
  readonly keys: SigningKeys;
  /** … and the key under which ACS issues communication tokens. */
  readonly communicationKey: SigningKey;
}
