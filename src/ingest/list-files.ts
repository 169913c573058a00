import { readdir, realpath, stat } from 'node:fs/promises';
import { basename, join, relative } from 'node:path';
import type { ListedFile } from './import-file.ts';

/** The data directory is missing or cannot be read; the message says what to do. */
export class DataDirectoryError extends Error {}

/** Every file below the directory, by name; hidden ones are left out, as Kubernetes keeps a copy of each in `..data`. */
export async function listFiles(path: string): Promise<ListedFile[]> {
  const found = await stat(path).catch((error: NodeJS.ErrnoException) => {
    throw new DataDirectoryError(
      error.code === 'ENOENT'
        ? `${path} does not exist: mount the claim files there, or set CLAIMS_API_DATA to where they are.`
        : `${path} cannot be read (${error.code}): make it readable for the user the service runs as.`,
    );
  });
  if (found.isFile()) return [{ path, name: basename(path) }];
  if (!found.isDirectory()) {
    throw new DataDirectoryError(
      `${path} is neither a file nor a directory: to load what comes from a pipe, redirect it to "claims import -".`,
    );
  }
  const files: ListedFile[] = [];
  /** Links may lead in circles. */
  const walked = new Set<string>();
  const walk = async (directory: string) => {
    const real = await realpath(directory).catch(() => directory);
    if (walked.has(real)) return;
    walked.add(real);
    const entries = await readdir(directory, { withFileTypes: true }).catch((error: NodeJS.ErrnoException) => {
      // One that may not be read, such as a disk's lost+found, is for the load to report, and keeps no others from it.
      if (directory !== path) files.push({ path: directory, name: relative(path, directory) });
      else {
        throw new DataDirectoryError(
          `${directory} cannot be read (${error.code}): make it readable for the user the service runs as.`,
        );
      }
      return [];
    });
    for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
      if (entry.name.startsWith('.')) continue;
      const child = join(directory, entry.name);
      const kind = entry.isSymbolicLink() ? await stat(child).catch(() => undefined) : entry;
      if (kind?.isDirectory()) await walk(child);
      else if (kind?.isFile()) files.push({ path: child, name: relative(path, child) });
    }
  };
  await walk(path);
  return files;
}
