import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { replaceFile } from '../replaceFile';

export interface KeyPair {
  publicKey: KeyObject;
  privateKey: KeyObject;
}

/** Gives the key pair of this name. */
export type KeyPairs = (name: string) => KeyPair;

/** Takes a tenth of a second or more. */
export function generateKeyPair(): KeyPair {
  return generateKeyPairSync('rsa', { modulusLength: 2048 });
}

/**
 * The key pairs in a folder; one that is missing is created. With the same keys, tokens are valid after a restart, and an emulator
 * starts sooner.
 */
export function keyPairsIn(folder: string): KeyPairs {
  return (name) => {
    const file = join(folder, `${name}.pem`);
    const found = readKeyPair(file);
    if (found) return found;
    const created = generateKeyPair();
    mkdirSync(folder, { recursive: true });
    replaceFile(file, created.privateKey.export({ format: 'pem', type: 'pkcs8' }));
    return created;
  };
}

/** Undefined also if the file is damaged. */
function readKeyPair(file: string): KeyPair | undefined {
  try {
    const privateKey = createPrivateKey(readFileSync(file));
    return { privateKey, publicKey: createPublicKey(privateKey) };
  } catch {
    return undefined;
  }
}
