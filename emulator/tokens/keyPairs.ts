import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

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
    // Another process may be reading it.
    const temporary = `${file}.${process.pid}`;
    writeFileSync(temporary, created.privateKey.export({ format: 'pem', type: 'pkcs8' }), { mode: 0o600 });
    renameSync(temporary, file);
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
