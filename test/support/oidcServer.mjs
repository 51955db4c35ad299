// oidc-provider as a process of its own: it is an ES module, and so the server meets it as it would meet any provider.
// Reads one JSON object from standard input, prints the issuer, and ends with its input.
import { readFileSync } from 'node:fs';
import { createServer } from 'node:https';
import Provider from 'oidc-provider';

const { certificate, key, jwks, clientId, clientSecret, audience, redirectUri } = JSON.parse(
  readFileSync(3, 'utf8'),
);

const server = createServer({ cert: certificate, key });
server.listen(0, '127.0.0.1', () => {
  const issuer = `https://localhost:${server.address().port}`;
  const provider = new Provider(issuer, {
    jwks,
    clients: [
      {
        client_id: clientId,
        client_secret: clientSecret,
        grant_types: ['authorization_code', 'client_credentials'],
        redirect_uris: [redirectUri],
        response_types: ['code'],
      },
    ],
    pkce: { required: () => false },
    scopes: ['openid', 'access_as_user'],
    findAccount: (_context, id) => ({ accountId: id, claims: () => ({ sub: id }) }),
    features: {
      devInteractions: { enabled: true },
      clientCredentials: { enabled: true },
      resourceIndicators: {
        enabled: true,
        // Only a client that asks for the API by its resource gets a token for it: a JSON Web Token.
        getResourceServerInfo: () => ({ scope: 'access_as_user', audience, accessTokenFormat: 'jwt' }),
        useGrantedResource: () => true,
      },
    },
  });
  server.on('request', provider.callback());
  process.stdout.write(`${issuer}\n`);
});
process.stdin.on('end', () => process.exit(0)).resume();
