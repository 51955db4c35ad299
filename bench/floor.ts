import { createPublicKey, verify, type JsonWebKey } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

/**
 * The least that any server must do that looks at its callers' tokens: one RS256 signature checked with a prepared key for
 * each request, and a constant answer. What the real server costs is held against it.
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
  const good = verify('sha256', Buffer.from(token.slice(0, end)), key, signature);
  if (good) response.writeHead(200, headers).end(body);
  else response.writeHead(401).end();
});
server.listen(0, () => {
  process.stdout.write(`${JSON.stringify({ port: (server.address() as AddressInfo).port })}\n`);
});
process.once('SIGTERM', () => process.exit(0));
