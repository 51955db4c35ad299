import type { Config } from './config';
import { secretsOfStore } from './identities';

/** The secret settings as text, so that they can be kept out of logs. Private keys are not in settings. */
export function secretsOf({ entra, communication, identities, telemetry }: Config): string[] {
  const clientSecret = entra?.credential?.kind === 'secret' ? [entra.credential.secret] : [];
  const accessKey = communication.accessKey === undefined ? [] : [communication.accessKey];
  const insights = telemetry?.applicationInsights === undefined ? [] : [telemetry.applicationInsights];
  return [...clientSecret, ...accessKey, ...secretsOfStore(identities), ...insights];
}
