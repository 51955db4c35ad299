import { randomBytes, randomUUID } from 'node:crypto';
import type { Workbench } from './workbench';

/** Never the same twice: signed by nobody, but for what else they say as good as any. */
export function wronglySigned({ emulator }: Workbench, count: number): string[] {
  const [header = '', claims = ''] = emulator.accessToken().split('.');
  return Array.from({ length: count }, () => `${header}.${claims}.${randomSignature()}`);
}

/** Never the same twice: each names another key that does not exist. */
export function ofInventedKeys({ emulator }: Workbench, count: number): string[] {
  const [, claims = ''] = emulator.accessToken().split('.');
  return Array.from({ length: count }, () => {
    const header = JSON.stringify({ typ: 'JWT', alg: 'RS256', kid: randomUUID() });
    return `${Buffer.from(header).toString('base64url')}.${claims}.${randomSignature()}`;
  });
}

/** Less than any modulus of its length, so that it takes the whole computation to refuse it. */
function randomSignature(): string {
  const signature = randomBytes(256);
  signature[0] = (signature[0] ?? 0) & 0x7f;
  return signature.toString('base64url');
}
