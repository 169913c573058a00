import { tmpdir } from 'node:os';
import { isAbsolute, relative, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import type { Config } from '../config.ts';
import { openDatabase } from '../db/open.ts';
import { createLogger } from '../log.ts';
import { formatCount } from '../quantity.ts';
import { UsageError } from '../usage.ts';
import type { Format } from './format.ts';
import { formats } from './formats/index.ts';
import type { FoundRejects, ListedFile, LoadOptions, LoadSummary } from './import-file.ts';
import type { RejectRow } from './import-queries.ts';
import { listFiles } from './list-files.ts';
import { terminalReport } from './progress-bar.ts';
import { logReport, type Report, shownName } from './report.ts';
import { loadListed } from './scan.ts';
import { Spool } from './spool.ts';

const usage = `Usage: claims import [FILE|DIRECTORY|-] [--format NAME] [--source NAME] [--dry-run]

  -              read standard input
  --format NAME  in place of the format that the content tells: ${formats.map(({ name }) => name).join(', ')}
  --source NAME  what to call the system that numbered the claims, where the format does not say
  --dry-run      say what an import would do, and change nothing

Ends with 0 where all went in, 2 where records were rejected, 1 where a file was refused or is of no known format.`;

const shownOnTerminal = 10;
const standardInput = '-';

export interface Streams {
  in: typeof process.stdin;
  err: { write(text: string): unknown; isTTY?: boolean; columns?: number };
}

/** Loads a file, what is new in a directory, or standard input. Returns the exit status. */
export async function importCommand(
  args: string[],
  config: Config,
  streams: Streams = { in: process.stdin, err: process.stderr },
): Promise<number> {
  const { path, format, source, dryRun } = parse(args, config);
  const atTerminal = streams.err.isTTY === true;
  // Lines would run into the progress that is written over.
  const log = createLogger(atTerminal ? { logLevel: 'warn', logFormat: 'pretty' } : config);
  const spool = new Spool(config.uploadsDirectory ?? tmpdir());
  const database = await openDatabase(config, log);
  try {
    const files = path === standardInput ? [await spooled(spool, streams.in)] : await keyed(path, config);
    const report = atTerminal ? terminalReport(streams.err) : logReport(log);
    if (files.length === 0) report.say('info', path, 'holds no files');
    const found: FoundRejects[] = [];
    const summary = await loadListed(database.url, files, {
      report,
      format,
      source,
      dryRun,
      rejects: rejectsFor(atTerminal, dryRun, found, report),
    });
    if (atTerminal) streams.err.write(lastWords(summary, found, dryRun));
    return exitStatus(summary);
  } finally {
    await database.close();
    await spool.close();
  }
}

/** Of what became of the files by now: the same when they are loaded again, or after a load that was killed. */
function exitStatus({ failed, unknown, unknownBefore, rejected, rejectedBefore }: LoadSummary): number {
  if (failed + unknown + unknownBefore > 0) return 1;
  return rejected + rejectedBefore > 0 ? 2 : 0;
}

interface Arguments {
  path: string;
  format: Format | undefined;
  source: string | undefined;
  dryRun: boolean;
}

function parse(args: string[], config: Config): Arguments {
  const { values, positionals } = parseOptions(args);
  if (positionals.length > 1)
    throw new UsageError(`Expected at most one path, found ${positionals.length}.\n\n${usage}`);
  const format = formats.find(({ name }) => name === values.format);
  if (values.format !== undefined && format === undefined) {
    const names = formats.map(({ name }) => name).join(', ');
    throw new UsageError(`There is no format ${values.format}; expected one of ${names}.`);
  }
  if (values.source === '') throw new UsageError('Expected a name after --source, found nothing.');
  return {
    path: positionals[0] ?? config.dataDirectory,
    format,
    source: values.source,
    dryRun: values['dry-run'] ?? false,
  };
}

function parseOptions(args: string[]) {
  try {
    return parseArgs({
      args,
      allowPositionals: true,
      options: { format: { type: 'string' }, source: { type: 'string' }, 'dry-run': { type: 'boolean' } },
    });
  } catch (error) {
    throw new UsageError(`${(error as Error).message}\n\n${usage}`);
  }
}

/** Kept in a file: some formats read it twice, and its hash tells whether it was loaded before. */
async function spooled(spool: Spool, input: Streams['in']): Promise<ListedFile> {
  await spool.sweep();
  const { path } = await spool.write(input);
  return { path, name: 'standard input', key: null };
}

/** By the names that the service knows its files by; files of other directories by their whole path. */
async function keyed(path: string, { dataDirectory }: Config): Promise<ListedFile[]> {
  const files = await listFiles(path);
  return files.map((file) => {
    const below = relative(dataDirectory, file.path);
    const isBelow = below !== '' && below !== '..' && !/^\.\.[/\\]/.test(below) && !isAbsolute(below);
    return { ...file, key: isBelow ? below : resolve(file.path) };
  });
}

function rejectsFor(
  atTerminal: boolean,
  dryRun: boolean,
  found: FoundRejects[],
  report: Report,
): LoadOptions['rejects'] {
  if (atTerminal) return { limit: shownOnTerminal, show: (page) => found.push(page) };
  if (!dryRun) return undefined;
  // They can be read nowhere else.
  return {
    limit: Number.POSITIVE_INFINITY,
    show: ({ file, rejects }) => {
      for (const reject of rejects) report.say('warn', file, inWords(reject));
    },
  };
}

const inWords = ({ kind, unit, position, field, reason }: RejectRow) =>
  `${unit} ${position}${field ? `, ${field}` : ''}: ${reason}${kind === 'warning' ? ' (a warning)' : ''}`;

/** The first of what was not taken, and where to read the rest. */
export function lastWords(summary: LoadSummary, found: FoundRejects[], dryRun: boolean): string {
  const lines: string[] = [];
  let left = shownOnTerminal;
  for (const { file: name, importId, counts, rejects } of found) {
    const file = shownName(name);
    const shown = rejects.slice(0, left);
    left -= shown.length;
    for (const reject of shown) lines.push(`  ${file}, ${inWords(reject)}`);
    const more = counts.rejected + counts.warned - shown.length;
    if (more === 0) continue;
    const where = dryRun
      ? 'with standard error sent elsewhere (2>/dev/null), each is a log line'
      : `GET /api/imports/${importId}/rejects has all`;
    lines.push(`  ${file}: ${formatCount(more)} more; ${where}`);
  }
  if (lines.length > 0) lines.unshift('Rejects and warnings:');
  const loadedBefore = summary.known - summary.unknownBefore;
  if (loadedBefore > 0) {
    const rejected = summary.rejectedBefore > 0 ? `; ${formatCount(summary.rejectedBefore)} rejected then` : '';
    lines.push(`${formatCount(loadedBefore)} loaded before${rejected}`);
  }
  if (dryRun) lines.push('Nothing was changed: this was a dry run.');
  return lines.map((line) => `${line}\n`).join('');
}
