import { createHash, randomUUID } from 'node:crypto';
import { rmSync } from 'node:fs';
import { mkdtemp, open, readdir, rm, stat } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import type { Readable } from 'node:stream';

const prefix = 'claims-api-spool-';
/** Of another machine's, on a disk that machines share: none of its processes can be asked whether it lives. */
const foreignAfterMs = 24 * 3600 * 1000;

export interface Spooled {
  path: string;
  size: number;
  /** SHA-256 */
  hash: Buffer;
}

export interface SpoolLimits {
  limitBytes?: number;
  /** How long the content may bring nothing. */
  pauseSeconds?: number;
}

/** Of this process. */
const directories = new Set<string>();

/** The content is larger than it may be. */
export class TooLarge extends Error {}

/**
 * Keeps content that comes as a stream in files, which only this user can read, until it is loaded. They go when the
 * process does; those of a process that was killed go when the next one begins.
 */
export class Spool {
  readonly #parent: string;
  #directory: Promise<string> | undefined;

  constructor(parent: string) {
    this.#parent = parent;
  }

  /**
   * Removes the file again where the content does not come to its end. Throws TooLarge, and leaves the rest of the
   * content to the caller; content that pauses for too long is destroyed.
   */
  async write(content: Readable, { limitBytes, pauseSeconds }: SpoolLimits = {}): Promise<Spooled> {
    this.#directory ??= this.#create();
    const path = join(await this.#directory, randomUUID());
    const hash = createHash('sha256');
    const pause = pauseSeconds && setTimeout(() => content.destroy(), pauseSeconds * 1000);
    const file = await open(path, 'wx', 0o600);
    let size = 0;
    try {
      for await (const chunk of content.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
        if (pause) pause.refresh();
        size += chunk.length;
        if (limitBytes !== undefined && size > limitBytes) throw new TooLarge();
        hash.update(chunk);
        await file.writeFile(chunk);
      }
    } catch (error) {
      await this.remove(path);
      throw error;
    } finally {
      if (pause) clearTimeout(pause);
      await file.close();
    }
    return { path, size, hash: hash.digest() };
  }

  async remove(path: string): Promise<void> {
    await rm(path, { force: true });
  }

  async close(): Promise<void> {
    const directory = await this.#directory?.catch(() => undefined);
    if (directory !== undefined) await rm(directory, { recursive: true, force: true });
  }

  /** Removes what processes left that are no more. */
  async sweep(): Promise<void> {
    const names = await readdir(this.#parent).catch(() => []);
    for (const name of names) {
      const path = join(this.#parent, name);
      // What cannot be removed now, being another user's, is none of ours.
      if (name.startsWith(prefix) && !directories.has(path) && (await isLeft(name, path))) {
        await rm(path, { recursive: true, force: true }).catch(() => {});
      }
    }
  }

  async #create(): Promise<string> {
    try {
      const directory = await mkdtemp(join(this.#parent, `${prefix}${encodeURIComponent(hostname())}-${process.pid}-`));
      directories.add(directory);
      process.once('exit', () => rmSync(directory, { recursive: true, force: true }));
      return directory;
    } catch (error) {
      // The next one may find it mended.
      this.#directory = undefined;
      throw error;
    }
  }
}

async function isLeft(name: string, path: string): Promise<boolean> {
  const [, host, pid] = /^(.*)-(\d+)-[^-]+$/.exec(name.slice(prefix.length)) ?? [];
  if (host === encodeURIComponent(hostname())) return !isAlive(Number(pid));
  const found = await stat(path).catch(() => undefined);
  return found !== undefined && Date.now() - found.mtimeMs > foreignAfterMs;
}

/** Ours was the number of one before us: containers number alike. */
function isAlive(pid: number): boolean {
  if (pid === process.pid) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
