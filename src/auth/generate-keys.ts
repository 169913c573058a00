import { createPrivateKey, createPublicKey, generateKeyPair, randomUUID } from 'node:crypto';
import { constants } from 'node:fs';
import { access, type FileHandle, mkdir, open, readFile, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { KeyError, privateKeyFile, publicKeyFile } from './key-files.ts';

interface GenerateOptions {
  /** Keep a pair that is there, and derive a public key that is missing, instead of refusing. */
  ifMissing: boolean;
  /** Numeric id of the group that may read the private key, besides its owner. */
  group?: number | undefined;
}

/**
 * Makes an RSA pair of 3072 bits in the directory, which is made too where it is missing. Returns the paths it wrote.
 * Run by root, as Compose does, the files belong to the directory's owner: no file of root's is left in a checkout.
 * Throws KeyError.
 */
export async function generateKeys(directory: string, { ifMissing, group }: GenerateOptions): Promise<string[]> {
  const privatePath = join(directory, privateKeyFile);
  const publicPath = join(directory, publicKeyFile);
  try {
    await mkdir(directory, { recursive: true });
    const found = { private: await exists(privatePath), public: await exists(publicPath) };
    if ((found.private || found.public) && !ifMissing) {
      const which = found.private ? privatePath : publicPath;
      throw new KeyError(`${which} exists already: move it away, or keep it with --if-missing`);
    }
    if (found.public && !found.private) {
      throw new KeyError(
        `${publicPath} is there without its private key ${privatePath}: restore that, or move it away`,
      );
    }

    const owner = await ownerOf(directory, group);
    const written: string[] = [];
    if (!found.private) {
      const pair = await promisify(generateKeyPair)('rsa', {
        modulusLength: 3072,
        privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
        publicKeyEncoding: { type: 'spki', format: 'pem' },
      });
      // The private key first: a kill between the two leaves what the next run with ifMissing completes.
      await write(privatePath, pair.privateKey, group === undefined ? 0o600 : 0o640, owner);
      await write(publicPath, pair.publicKey, 0o644, owner);
      written.push(privatePath, publicPath);
    } else if (!found.public) {
      await write(publicPath, await derivePublicKey(privatePath), 0o644, owner);
      written.push(publicPath);
    }
    if (found.private && group !== undefined) await letGroupRead(privatePath, group);
    return written;
  } catch (error) {
    const { code, message, path } = error as NodeJS.ErrnoException;
    if (error instanceof KeyError || code === undefined) throw error;
    if (code === 'EPERM' && group !== undefined) {
      throw new KeyError(`${path ?? directory} cannot be given to the group ${group}: only root or its members may`);
    }
    throw new KeyError(`The keys in ${directory} cannot be written: ${message}`);
  }
}

const exists = (path: string) =>
  access(path).then(
    () => true,
    (error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return false;
      throw error;
    },
  );

/** Who new files belong to; -1 leaves it at who runs this. */
async function ownerOf(directory: string, group: number | undefined): Promise<{ uid: number; gid: number }> {
  if (process.getuid?.() !== 0) return { uid: -1, gid: group ?? -1 };
  const { uid, gid } = await stat(directory);
  return { uid, gid: group ?? gid };
}

/** Under a name of its own, then renamed: nobody reads half a key, nor a private one before its mode is set. */
async function write(path: string, pem: string, mode: number, owner: { uid: number; gid: number }): Promise<void> {
  const draft = `${path}.${randomUUID()}`;
  try {
    await using file = await open(draft, 'wx', 0o600);
    await file.writeFile(pem);
    // In this order each step needs the least: no other group ever reads the key, and the mode is set while it is ours.
    if (owner.gid !== -1) await file.chown(-1, owner.gid);
    await file.chmod(mode); // not left to open: its mode is cut by the umask
    if (owner.uid !== -1) await file.chown(owner.uid, -1);
    await file.sync();
    await rename(draft, path);
  } catch (error) {
    await rm(draft, { force: true });
    throw error;
  }
}

async function derivePublicKey(privatePath: string): Promise<string> {
  const pem = await readFile(privatePath, 'utf8');
  try {
    return createPublicKey(createPrivateKey(pem)).export({ type: 'spki', format: 'pem' }) as string;
  } catch {
    throw new KeyError(`${privatePath} is no private key in PEM: its public key cannot be derived`);
  }
}

/** Root must not be led by a link to open another file to the group, so links are not followed. */
async function letGroupRead(path: string, group: number): Promise<void> {
  let opened: FileHandle;
  try {
    opened = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ELOOP') throw error;
    throw new KeyError(`${path} is a symbolic link: give the group ${group} access to the file it leads to`);
  }
  await using file = opened;
  const { gid, mode } = await file.stat();
  if (gid !== group) await file.chown(-1, group);
  if ((mode & 0o040) === 0) await file.chmod((mode & 0o777) | 0o040);
}
