import { type Clock } from './clock';
import { type IssuerKeys } from './entra/issuerKeys';
import { type UsedAssertions } from './entra/usedAssertions';
import { type Limits } from './limits';
import { type Names } from './names';
import { type Directory } from './state/directory';
import { type Switches } from './switches';
import { type SigningKey, type SigningKeys } from './tokens/signingKeys';
import { type TokenFactory } from './tokens/tokenFactory';

/** What the services of one emulator share. */
export interface EmulatorContext {
  readonly url: string;
  readonly names: Names;
  readonly clock: Clock;
  readonly directory: Directory;
  readonly tokenFactory: TokenFactory;
  readonly limits: Limits;
  readonly switches: Switches;
  /** Seals values that clients send back, such as refresh tokens. */
  readonly secret: Buffer;
  /** The keys of other issuers whose tokens Entra accepts as client assertions. */
  readonly issuerKeys: IssuerKeys;
  readonly usedAssertions: UsedAssertions;
  /** Entra's keys, which sign what Entra issues … */
  readonly keys: SigningKeys;
  /** … and the key under which ACS issues communication tokens. */
  readonly communicationKey: SigningKey;
}
