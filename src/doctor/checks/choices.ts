import type { Config } from '../../config/config';
import { publishedCredentials } from '../../config/publishedCredentials';
import { keyFingerprint } from '../../identities/stores/graph/mappingSeal';
import { type Check, ok, problem, type Result, warning } from '../check';

/** Settings that are well-formed and may yet be unwise. */
export function createChoiceChecks(config: Config): Check[] {
  const { entra, graph, mapping, corsAllowedOrigins } = config;
  return [
    {
      name: 'identity mapping key',
      run: () => mapping.keys.map((key, index) => judgeMappingKey(key, index)),
    },
    {
      name: 'mappings without a seal',
      run: () =>
        mapping.adoptUnsigned
          ? warning(
              'are taken over (IDENTITY_MAPPING_UNSIGNED=adopt): who can write to a user in Microsoft Graph can put in the identity of somebody else',
              'Go back to reject as soon as the users of the original sample have been taken over.',
            )
          : ok('are refused'),
    },
    {
      name: 'open extension',
      run: () => ok(`${graph.extensionName}; users mapped under another name are not found`),
    },
    { name: 'browser apps', run: () => corsAllowedOrigins.map(judgeOrigin).concat(noOrigins(config)) },
    {
      name: 'client applications',
      run: () => {
        if (entra.allowedClientIds.length === 0)
          return ok(
            'any of the tenant whose token has the scope access_as_user (ALLOWED_CLIENT_IDS is empty)',
          );
        return entra.allowedClientIds.includes(entra.clientId)
          ? warning(
              'ALLOWED_CLIENT_IDS lists this API itself, which is no client',
              'List the ids of the applications that sign users in.',
            )
          : ok(`${entra.allowedClientIds.length} may call (ALLOWED_CLIENT_IDS)`);
      },
    },
  ];
}

/** 32 random bytes have about 30 different ones; so few do not happen. */
const fewestDistinctBytes = 16;
const newKey = `Make a new one: node -p "require('node:crypto').randomBytes(32).toString('base64')". Mappings sealed with the old one are then refused, so do it before there are users.`;

function judgeMappingKey(key: Buffer, index: number): Result {
  const name = `${index === 0 ? 'current key' : 'previous key'} ${keyFingerprint(key)}`;
  const text = key.toString('latin1');
  // With services that are not on this machine, the settings check has already refused it.
  if (key.toString('base64') === publishedCredentials.mappingKey)
    return ok(`${name}: the published one of the emulator`);
  if (new Set(key).size < fewestDistinctBytes) return problem(`${name} is not random`, newKey);
  if (/^[\x20-\x7e]+$/.test(text)) {
    return warning(
      `${name} is readable text in base64: a phrase can be guessed`,
      `If it was not made at random: ${newKey}`,
    );
  }
  return ok(`${name}: ${key.length} bytes`);
}

function noOrigins({ corsAllowedOrigins }: Config): Result[] {
  return corsAllowedOrigins.length === 0
    ? [ok('none may call (CORS_ALLOWED_ORIGINS is empty); programs outside browsers need nothing of it')]
    : [];
}

function judgeOrigin(origin: string): Result {
  if (origin === '*') {
    return warning(
      'of every origin may call (CORS_ALLOWED_ORIGINS=*), which production refuses',
      'List the origins of your apps.',
    );
  }
  return origin.startsWith('http:') && !isLoopback(origin)
    ? warning(`${origin} is not encrypted: tokens can be read on the way`, 'Serve the app over https.')
    : ok(`${origin} may call`);
}

export function isLoopback(origin: string): boolean {
  return ['localhost', '127.0.0.1', '[::1]'].includes(new URL(origin).hostname);
}
