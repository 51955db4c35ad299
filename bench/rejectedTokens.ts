import { randomBytes, randomUUID } from 'node:crypto';
import type { Workbench } from './workbench';

/** Distinct tokens that are valid except for their random signature. */
export function tokensWithBadSignature({ emulator }: Workbench, count: number): string[] {
  const [header = '', claims = ''] = emulator.accessToken().split('.');
  return Array.from({ length: count }, () => `${header}.${claims}.${randomSignature()}`);
}

/** Distinct tokens, each with another key id that does not exist. */
export function tokensWithUnknownKey({ emulator }: Workbench, count: number): string[] {
  const [, claims = ''] = emulator.accessToken().split('.');
  return Array.from({ length: count }, () => {
    const header = JSON.stringify({ typ: 'JWT', alg: 'RS256', kid: randomUUID() });
    return `${Buffer.from(header).toString('base64url')}.${claims}.${randomSignature()}`;
  });
}

/** Less than any modulus of its length, so that rejecting it takes the complete computation. */
function randomSignature(): string {
  const signature = randomBytes(256);
  signature[0] = (signature[0] ?? 0) & 0x7f;
  return signature.toString('base64url');
}
