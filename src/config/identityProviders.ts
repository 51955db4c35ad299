import { z } from 'zod';
import { list } from './formats';

const providerKinds = ['entra', 'external_id', 'b2c', 'oidc'] as const;

export type ProviderKind = (typeof providerKinds)[number];

/** An entry of IDENTITY_PROVIDER: a kind, or a kind with a name, such as `entra:partner`. */
export interface ProviderName {
  readonly kind: ProviderKind;
  /** Absent: the one whose settings have no suffix. */
  readonly instance: string | undefined;
}

const entry = /^([a-z0-9_]+)(?::([a-z][a-z0-9]{0,19}))?$/;

export const providerNames = list.transform((texts, context): readonly [ProviderName, ...ProviderName[]] => {
  const names = texts.flatMap((text): ProviderName[] => {
    const [, kindText, instance] = entry.exec(text) ?? [];
    const kind = providerKinds.find((known) => known === kindText);
    return kind === undefined ? [] : [{ kind, instance }];
  });
  const [first, ...others] = names;
  if (first && names.length === texts.length && new Set(texts).size === texts.length)
    return [first, ...others];
  context.addIssue('not a list of distinct providers');
  return z.NEVER;
});

export function textOfProvider({ kind, instance }: ProviderName): string {
  return instance === undefined ? kind : `${kind}:${instance}`;
}

/** A named provider has its own settings, with its name as suffix: AZURE_TENANT_ID__PARTNER of `entra:partner`. */
export function suffixOf({ instance }: ProviderName): string {
  return instance === undefined ? '' : `__${instance.toUpperCase()}`;
}

/** Only algorithms with a public key: with a shared secret, anyone who can verify could also sign. */
export const asymmetricAlgorithms = [
  'RS256',
  'RS384',
  'RS512',
  'PS256',
  'PS384',
  'PS512',
  'ES256',
  'ES384',
  'ES512',
  'EdDSA',
] as const;

/** An issuer, exactly as it is in `iss`: a slash at its end counts. */
export const issuerUrl = z.url({ protocol: /^https$/ }).refine((text) => !/[?#@]/.test(text));
