import type { Config } from './config';
import { secretsOfStore } from './identities';

/** The secret settings as text, so that they can be kept out of logs. Private keys are not in settings. */
export function secretsOf({ entra, communication, identities }: Config): string[] {
  const clientSecret = entra?.credential?.kind === 'secret' ? [entra.credential.secret] : [];
  const accessKey = communication.accessKey === undefined ? [] : [communication.accessKey];
  return [...clientSecret, ...accessKey, ...secretsOfStore(identities)];
}
