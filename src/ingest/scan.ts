import { readdir, realpath, stat } from 'node:fs/promises';
import { basename, join, relative } from 'node:path';
import { type Connection, connect } from '../db/client.ts';
import type { Logger } from '../log.ts';
import { takenBack } from './dry-run.ts';
import {
  type Candidate,
  importFile,
  type ListedFile,
  type LoadOptions,
  type LoadSummary,
  look,
} from './import-file.ts';
import { logReport } from './report.ts';

/** The data directory is missing or cannot be read; the message says what to do. */
export class DataDirectoryError extends Error {}

/** Loads what is new in a directory, or one file. */
export async function loadFiles(databaseUrl: string, path: string, log: Logger): Promise<LoadSummary> {
  const files = await listFiles(path);
  if (files.length === 0) log.info(`${path} holds no files`);
  return loadListed(databaseUrl, files, { report: logReport(log) });
}

/**
 * Loads what is new of these files. Replicas that do this at the same time share the files: each is loaded by one of
 * them, and taken over by another should that one die.
 */
export async function loadListed(databaseUrl: string, files: ListedFile[], options: LoadOptions): Promise<LoadSummary> {
  const sql = connect(databaseUrl, { name: 'import', once: true });
  try {
    return await (options.dryRun ? takenBack(sql, () => loadAll(sql, files, options)) : loadAll(sql, files, options));
  } finally {
    await sql.end({ timeout: 2 });
  }
}

async function loadAll(sql: Connection, files: ListedFile[], options: LoadOptions): Promise<LoadSummary> {
  const summary: LoadSummary = {
    completed: 0,
    known: 0,
    unknown: 0,
    failed: 0,
    rejected: 0,
    rejectedBefore: 0,
    unknownBefore: 0,
    left: [],
  };
  const candidates: Candidate[] = [];
  for (const file of files) {
    const candidate = await look(sql, file, summary, options);
    if (candidate) candidates.push(candidate);
  }
  candidates.sort((a, b) => (a.format?.rank ?? 9) - (b.format?.rank ?? 9));
  const busy: Candidate[] = [];
  for (const candidate of candidates) {
    if (await importFile(sql, candidate, summary, options, 'skip')) continue;
    options.report.say('info', candidate.name, 'another replica is loading it');
    if (options.leaveBusy) summary.left.push(candidate.name);
    else busy.push(candidate);
  }
  for (const candidate of busy) await importFile(sql, candidate, summary, options, 'wait');
  return summary;
}

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
