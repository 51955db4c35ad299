import type { Config } from './config';
import { connectionStringParts } from './formats';
import { secretsOfStore } from './identities';

/** The secret settings as text, so that they can be kept out of logs. Private keys are not in settings. */
export function secretsOf({ entra, communication, identities, telemetry }: Config): string[] {
  const clientSecret = entra?.credential?.kind === 'secret' ? [entra.credential.secret] : [];
  const accessKey = communication.accessKey === undefined ? [] : [communication.accessKey];
  const insights = telemetry?.applicationInsights;
  const insightsKey = insights && connectionStringParts(insights).get('instrumentationkey');
  return [
    ...clientSecret,
    ...accessKey,
    ...secretsOfStore(identities),
    ...[insights, insightsKey].filter((text) => text !== undefined),
  ];
}
