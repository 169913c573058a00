import { Changes } from '../claims/data-version.ts';
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
import { listFiles } from './list-files.ts';
import * as queries from './queries.ts';
import { logReport } from './report.ts';

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
    await queries.prepare(sql);
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
  const loading = { ...options, summary, changes: options.dryRun ? undefined : new Changes(sql) };
  const candidates: Candidate[] = [];
  for (const file of files) {
    const candidate = await look(sql, file, loading);
    if (candidate) candidates.push(candidate);
  }
  candidates.sort((a, b) => (a.format?.rank ?? 9) - (b.format?.rank ?? 9));
  const busy: Candidate[] = [];
  for (const candidate of candidates) {
    if (await importFile(sql, candidate, loading, 'skip')) continue;
    options.report.say('info', candidate.name, 'another replica is loading it');
    if (options.leaveBusy) summary.left.push(candidate.name);
    else busy.push(candidate);
  }
  for (const candidate of busy) await importFile(sql, candidate, loading, 'wait');
  return summary;
}
