import type { KeyObject } from 'node:crypto';
import { type FSWatcher, watch } from 'node:fs';
import type { Logger } from '../log.ts';
import { type KeyFiles, type PublicJwk, readKeyFiles } from './key-files.ts';

/** The keys as the directory holds them now: they change while the service runs, so ask each time. */
export interface Keys {
  signing(): { kid: string; privateKey: KeyObject };
  /** The public key of that id; undefined where it is not, or no longer, in the directory. */
  verification(kid: string): KeyObject | undefined;
  jwks(): { keys: PublicJwk[] };
  /** Called after each change, when the new keys are in force. */
  onChange(listener: () => void): void;
  close(): void;
}

/** A rotation touches several files; they are read when it has gone quiet. */
const quietMilliseconds = 250;
/** Some network and overlay file systems report no changes, so the directory is also looked at without being told. */
const pollMilliseconds = 30_000;

/**
 * Reads the directory, throwing KeyError where anything is wrong with it, and follows its changes from then on. A change
 * that leaves it faulty is logged, and the keys stay as they were.
 */
export async function openKeys(directory: string, log: Logger): Promise<Keys> {
  let current = await readKeyFiles(directory);
  let fault: string | undefined;
  let closed = false;
  const listeners: (() => void)[] = [];

  async function reload() {
    let next: KeyFiles;
    try {
      next = await readKeyFiles(directory);
    } catch (error) {
      const { message } = error as Error;
      if (message !== fault && !closed) log.error(`the keys stay as they were: ${message}`);
      fault = message;
      return;
    }
    fault = undefined;
    if (closed || sameKeys(next, current)) return;
    current = next;
    for (const listener of listeners) listener();
    log.info(`keys reloaded: ${next.signing.kid} signs, ${next.verification.length} verify`);
  }

  // One after the other, so that a slow reading never overwrites a later one.
  let reloading = Promise.resolve();
  const look = () => {
    reloading = reloading.then(reload);
  };
  let quiet: NodeJS.Timeout | undefined;
  const watcher = watchDirectory(directory, log, () => {
    clearTimeout(quiet);
    quiet = setTimeout(look, quietMilliseconds).unref();
  });
  const poll = setInterval(look, pollMilliseconds).unref();

  return {
    signing: () => current.signing,
    verification: (kid) => current.verification.find((key) => key.kid === kid)?.key,
    jwks: () => ({ keys: current.verification.map((key) => key.jwk) }),
    onChange: (listener) => {
      listeners.push(listener);
    },
    close() {
      closed = true;
      clearTimeout(quiet);
      clearInterval(poll);
      watcher?.close();
    },
  };
}

/** The thumbprints tell: the first is the signing key's, and a private key has but one public key. */
function sameKeys(a: KeyFiles, b: KeyFiles): boolean {
  const kids = (files: KeyFiles) => files.verification.map((key) => key.kid).join();
  return kids(a) === kids(b);
}

/**
 * Watches the directory, not its files: Kubernetes rotates a secret by renaming the link `..data` beside them, and the
 * files, links through it, see nothing.
 */
function watchDirectory(directory: string, log: Logger, onEvent: () => void): FSWatcher | undefined {
  const unwatched = (error: Error) =>
    log.warn({ err: error }, `key changes are noticed every ${pollMilliseconds / 1000} s only: watching failed`);
  try {
    return watch(directory, { persistent: false }, onEvent).on('error', unwatched);
  } catch (error) {
    unwatched(error as Error);
    return undefined;
  }
}
