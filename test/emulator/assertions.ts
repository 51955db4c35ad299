import { constants, type KeyObject, sign } from 'node:crypto';
import { type Emulator } from '../../emulator/startEmulator';

export type Values = Record<string, unknown>;
export type Fields = Record<string, string>;

export const nowInSeconds = (): number => Math.floor(Date.now() / 1000);

export const tokenEndpoint = ({ url, tenantId }: Emulator): string => `${url}/${tenantId}/oauth2/v2.0/token`;

/** Signs by PS256 if the header says so, otherwise by RSA and SHA-256. The key is PEM, or a key object. */
export function signedJwt(key: string | KeyObject, header: Values, claims: Values): string {
  const part = (values: Values): string => Buffer.from(JSON.stringify(values)).toString('base64url');
  const signed = `${part({ typ: 'JWT', ...header })}.${part(claims)}`;
  const pss = { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: 32 };
  const content = Buffer.from(signed);
  const signature =
    header.alg === 'PS256'
      ? sign('sha256', content, typeof key === 'string' ? { key, ...pss } : { key, ...pss })
      : sign('sha256', content, key);
  return `${signed}.${signature.toString('base64url')}`;
}

/** Asks for a token as AuthServer, with the assertion instead of a secret. */
export async function requestToken(
  emulator: Emulator,
  assertion: string,
  fields: Fields = {},
): Promise<{ status: number; body: Values }> {
  const response = await fetch(tokenEndpoint(emulator), {
    method: 'POST',
    body: new URLSearchParams({
      grant_type: 'client_credentials',
      client_id: emulator.authServer.clientId,
      scope: 'https://graph.microsoft.com/.default',
      client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
      client_assertion: assertion,
      ...fields,
    }),
  });
  return { status: response.status, body: (await response.json()) as Values };
}

export const refused = (code: number) => ({
  status: 401,
  body: { error: 'invalid_client', error_codes: [code] },
});

export function claimsOf(token: unknown): Values {
  return JSON.parse(Buffer.from(String(token).split('.')[1] ?? '', 'base64url').toString()) as Values;
}
