import { createPublicKey, verify, type JsonWebKey } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

/**
 * The floor: the minimum of any server that verifies access tokens, with which the real server is compared. It does one
 * RS256 verification per request with an imported key, and a constant response.
 */
const key = createPublicKey({ key: JSON.parse(process.env.FLOOR_KEY ?? '') as JsonWebKey, format: 'jwk' });
const body = process.env.FLOOR_BODY ?? '';
const headers = {
  'Content-Type': 'application/json; charset=utf-8',
  'Content-Length': Buffer.byteLength(body),
};

const server = createServer((request, response) => {
  const token = request.headers.authorization?.slice('Bearer '.length) ?? '';
  const end = token.lastIndexOf('.');
  const signature = Buffer.from(token.slice(end + 1), 'base64url');
  const valid = verify('sha256', Buffer.from(token.slice(0, end)), key, signature);
  if (valid) response.writeHead(200, headers).end(body);
  else response.writeHead(401).end();
});
server.listen(0, () => {
  process.stdout.write(`${JSON.stringify({ port: (server.address() as AddressInfo).port })}\n`);
});
process.once('SIGTERM', () => process.exit(0));
