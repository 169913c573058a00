import { createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto';
import { open, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { calculateJwkThumbprint } from 'jose';

export const privateKeyFile = 'jwt_key';
export const publicKeyFile = 'jwt_key.pub.pem';

/** What is wrong with the key directory, in one line that names the file and what to do. Never quotes key material. */
export class KeyError extends Error {}

/** A public key as JWKS (RFC 7517) lists it. */
export interface PublicJwk {
  kty: 'RSA';
  n: string;
  e: string;
  /** The RFC 7638 thumbprint, so that it follows from the key and every replica finds the same. */
  kid: string;
  alg: 'RS256';
  use: 'sig';
}

export interface PublicKey {
  kid: string;
  /** Its name in the directory. */
  file: string;
  key: KeyObject;
  jwk: PublicJwk;
}

export interface KeyFiles {
  signing: { kid: string; privateKey: KeyObject };
  /** The signing pair's public key first, then the further ones by file name. No key twice. */
  verification: PublicKey[];
}

const makeOne = 'make a pair with: claims keys generate';

/** Reads and checks the whole directory. Throws KeyError for the first fault. */
export async function readKeyFiles(directory: string): Promise<KeyFiles> {
  const names = await readdir(directory).catch((error: NodeJS.ErrnoException) => {
    throw error.code === 'ENOENT'
      ? new KeyError(`The key directory ${directory} does not exist: correct CLAIMS_API_KEYS, or ${makeOne}`)
      : unreadable(directory, error);
  });

  const privateKey = await readPrivateKey(join(directory, privateKeyFile));
  const current = await readPublicKey(directory, publicKeyFile);
  if (!createPublicKey(privateKey).equals(current.key)) {
    throw new KeyError(
      `${join(directory, publicKeyFile)} is not the public key of ${join(directory, privateKeyFile)}: put both files of one pair there`,
    );
  }

  const verification = [current];
  for (const file of names.filter((name) => name.endsWith('.pub.pem') && name !== publicKeyFile).sort()) {
    const further = await readPublicKey(directory, file);
    if (!verification.some(({ kid }) => kid === further.kid)) verification.push(further);
  }
  return { signing: { kid: current.kid, privateKey }, verification };
}

async function readPrivateKey(path: string): Promise<KeyObject> {
  const { text, mode } = await readPem(path);
  // Windows has no such bits. The group may read: Kubernetes (fsGroup) and Compose give the key to a group.
  if (process.platform !== 'win32' && (mode & 0o007) !== 0) {
    const octal = (mode & 0o777).toString(8).padStart(4, '0');
    throw new KeyError(
      `${path} is open to everybody (mode ${octal}): chmod 0640 ${path}, or in Kubernetes set defaultMode: 0440`,
    );
  }
  const label = pemLabel(path, text);
  if (label.endsWith('PUBLIC KEY')) {
    throw new KeyError(
      `${path} holds a public key, not the private one: were ${privateKeyFile} and its .pub.pem swapped?`,
    );
  }
  if (label !== 'PRIVATE KEY' && label !== 'RSA PRIVATE KEY') {
    throw new KeyError(
      `${path} holds ${label}: expected an RSA private key as PKCS#8 or PKCS#1 PEM without passphrase`,
    );
  }
  return checkRsa(path, () => createPrivateKey(text));
}

async function readPublicKey(directory: string, file: string): Promise<PublicKey> {
  const path = join(directory, file);
  const { text } = await readPem(path);
  const label = pemLabel(path, text);
  if (label.endsWith('PRIVATE KEY')) {
    throw new KeyError(
      `${path} holds a private key, and is where a public one belongs: were the files of a pair swapped?`,
    );
  }
  // Of a certificate nothing counts but the key: Helm makes no public keys without one.
  if (label !== 'PUBLIC KEY' && label !== 'RSA PUBLIC KEY' && label !== 'CERTIFICATE') {
    throw new KeyError(`${path} holds ${label}: expected an RSA public key as PEM`);
  }
  const key = checkRsa(path, () => createPublicKey(text));
  const { n, e } = key.export({ format: 'jwk' }) as { n: string; e: string };
  const kid = await calculateJwkThumbprint({ kty: 'RSA', n, e });
  return { kid, file, key, jwk: { kty: 'RSA', n, e, kid, alg: 'RS256', use: 'sig' } };
}

async function readPem(path: string): Promise<{ text: string; mode: number }> {
  try {
    // One handle for both, so that the mode is of the very file that was read.
    await using file = await open(path);
    const { mode } = await file.stat();
    return { text: await file.readFile('utf8'), mode };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') {
      throw new KeyError(`The key file ${path} does not exist: ${makeOne}`);
    }
    throw unreadable(path, error as NodeJS.ErrnoException);
  }
}

function unreadable(path: string, error: NodeJS.ErrnoException): KeyError {
  const user = process.getuid ? ` by this process (uid ${process.getuid()}, gid ${process.getgid?.()})` : '';
  return new KeyError(`${path} cannot be read${user}: ${error.code}`);
}

function pemLabel(path: string, text: string): string {
  const label = /^-----BEGIN ([A-Z0-9 ]{1,40})-----/m.exec(text)?.[1];
  if (label === undefined)
    throw new KeyError(`${path} is not PEM: expected a line such as -----BEGIN PRIVATE KEY-----`);
  return label;
}

/** RS256 asks for RSA of at least 2048 bits (RFC 7518, section 3.3). */
function checkRsa(path: string, parse: () => KeyObject): KeyObject {
  let key: KeyObject;
  try {
    key = parse();
  } catch {
    // The reason is not passed on: OpenSSL's say nothing to a reader.
    throw new KeyError(`${path} cannot be decoded: it is damaged, or protected by a passphrase`);
  }
  if (key.asymmetricKeyType !== 'rsa') {
    throw new KeyError(
      `${path} is of type ${key.asymmetricKeyType}: tokens are signed with RS256, which needs an RSA key`,
    );
  }
  const bits = key.asymmetricKeyDetails?.modulusLength ?? 0;
  if (bits < 2048) throw new KeyError(`${path} has ${bits} bits: RS256 needs at least 2048`);
  return key;
}
