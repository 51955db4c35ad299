import { generateKeyPairSync, randomUUID, sign } from 'node:crypto';

/** An issuer of tokens outside Entra ID, such as a Kubernetes cluster. */
export interface TokenIssuer {
  readonly issuer: string;
  readonly subject: string;
  /** The public keys. */
  readonly jwks: { keys: object[] };
  token(lifetimeInSeconds?: number): string;
}

export function createTokenIssuer(): TokenIssuer {
  const issuer = 'https://cluster.example';
  const subject = 'system:serviceaccount:default:acs-server';
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const part = (values: object) => Buffer.from(JSON.stringify(values)).toString('base64url');
  return {
    issuer,
    subject,
    jwks: { keys: [{ ...publicKey.export({ format: 'jwk' }), kid: 'cluster', use: 'sig', alg: 'RS256' }] },
    token(lifetimeInSeconds = 3_600) {
      const now = Math.floor(Date.now() / 1_000);
      const claims = {
        iss: issuer,
        sub: subject,
        aud: ['api://AzureADTokenExchange'],
        iat: now,
        nbf: now,
        exp: now + lifetimeInSeconds,
        jti: randomUUID(),
      };
      const signed = `${part({ alg: 'RS256', kid: 'cluster', typ: 'JWT' })}.${part(claims)}`;
      return `${signed}.${sign('sha256', Buffer.from(signed), privateKey).toString('base64url')}`;
    },
  };
}
