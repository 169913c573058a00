import { createReadStream } from 'node:fs';
import { tmpdir } from 'node:os';
import type { DatabaseSync } from 'node:sqlite';
import { Readable } from 'node:stream';
import { pathToFileURL } from 'node:url';
import { type Entry, type Format, Refusal, type Resume } from '../format.ts';
import type { InputFile } from '../input.ts';
import { Spool } from '../spool.ts';
import { tableReader } from './table.ts';

const magic = 'SQLite format 3\0';

/** A SQLite database with a table `claims`, a row a claim: one that claims export wrote, or any other (table.ts). */
export const sqlite: Format = {
  name: 'sqlite',
  unit: 'row',
  rank: 1,
  detect: (head) => head.toString('latin1', 0, 16) === magic,
  read: readRows,
};

/** The source system of the claims' numbers, unless the import names another. */
const system = 'claims.db';

/** For databases that come compressed: SQLite reads files alone. */
const spool = new Spool(tmpdir());

async function* readRows(file: InputFile, resume?: Resume): AsyncGenerator<Entry> {
  if (await isPlain(file.path)) {
    await checkWritten(file.path);
    yield* readTable(file.path, file.source, resume);
    return;
  }
  const { path } = await spool.write(Readable.from(file.bytes()));
  try {
    yield* readTable(path, file.source, resume);
  } finally {
    await spool.remove(path);
  }
}

async function isPlain(path: string): Promise<boolean> {
  return (await firstBytes(path, magic.length)).toString('latin1') === magic;
}

async function firstBytes(path: string, count: number): Promise<Buffer> {
  try {
    for await (const chunk of createReadStream(path, { end: count - 1 })) return chunk;
  } catch {
    // There is none, or what is wrong with it shows when it is opened.
  }
  return Buffer.alloc(0);
}

/** What the file does not hold yet, or only half, stands in a file beside it, which is not read. */
async function checkWritten(path: string): Promise<void> {
  const log = await firstBytes(`${path}-wal`, 33);
  const journal = await firstBytes(`${path}-journal`, 8);
  if (log.length <= 32 && journal.toString('hex') !== 'd9d505f920a163d7') return;
  const suffix = log.length > 32 ? '-wal' : '-journal';
  throw new Refusal(
    `expected a database that nobody writes to, found changes in the file ${suffix} beside it: end the program that ` +
      'writes it, or make a copy of it with VACUUM INTO',
  );
}

async function* readTable(path: string, source: string | undefined, resume: Resume | undefined): AsyncGenerator<Entry> {
  const database = await open(path);
  try {
    const columns = database.prepare("select name from pragma_table_info('claims')").all();
    if (columns.length === 0) throw new Refusal('expected a table named claims, found none');
    const rowid = rowidOf(
      database,
      columns.map(({ name }) => String(name).toLowerCase()),
    );
    // Without rowids, as in a view, rows are counted: what was read before is passed over.
    const rows = database.prepare(
      rowid
        ? `select ${rowid}, * from claims where ${rowid} > ? order by ${rowid}`
        : 'select 0, * from claims limit -1 offset ?',
    );
    rows.setReadBigInts(true);
    rows.setReturnArrays(true);
    const [, ...names] = rows.columns().map(({ name }) => name);
    const readRow = tableReader(names, source ?? system);
    let position = resume?.position ?? 0;
    const from = rowid ? (resume?.offset ?? Number.MIN_SAFE_INTEGER) : position;
    for (const row of rows.iterate(from) as Iterable<unknown>) {
      const [id, ...cells] = row as [bigint, ...unknown[]];
      position += 1;
      yield { ...readRow(cells, position), resume: { offset: Number(id), position } };
    }
  } catch (error) {
    if (error instanceof Refusal) throw error;
    throw new Refusal(
      `its table claims cannot be read (${(error as { errcode?: number }).errcode ?? (error as Error).name})`,
    );
  } finally {
    database.close();
  }
}

/** The name of the table's rowid that no column of it took; undefined where it has none. */
function rowidOf(database: DatabaseSync, columns: string[]): string | undefined {
  const table = database
    .prepare("select type, wr from pragma_table_list where name = 'claims' collate nocase and schema = 'main'")
    .get();
  if (table?.type !== 'table' || table.wr === 1) return undefined;
  return ['rowid', '_rowid_', 'oid'].find((name) => !columns.includes(name));
}

/** Immutable: the directory is mounted read-only, where SQLite could make neither its lock nor its journal files. */
async function open(path: string): Promise<DatabaseSync> {
  const { DatabaseSync } = await import('node:sqlite'); // Hardly any process reads one.
  const url = pathToFileURL(path);
  url.searchParams.set('immutable', '1');
  try {
    return new DatabaseSync(url, { readOnly: true });
  } catch (error) {
    throw new Refusal('cannot be opened as a SQLite database', { cause: error });
  }
}
