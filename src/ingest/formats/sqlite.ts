import { DatabaseSync } from 'node:sqlite';
import { pathToFileURL } from 'node:url';
import { type Entry, type Format, Refusal, type Resume } from '../format.ts';
import type { InputFile } from '../input.ts';
import { tableReader } from './table.ts';

/** A SQLite database with a table `claims`, a row a claim: one that claims export wrote, or any other (table.ts). */
export const sqlite: Format = {
  name: 'sqlite',
  unit: 'row',
  rank: 1,
  detect: (head) => head.toString('latin1', 0, 16) === 'SQLite format 3\0',
  read: readRows,
};

/** The source system of the claims' numbers, unless the import names another. */
const system = 'claims.db';

async function* readRows(file: InputFile, resume?: Resume): AsyncGenerator<Entry> {
  const database = open(file.path);
  try {
    if (database.prepare("select 1 from pragma_table_info('claims')").get() === undefined) {
      throw new Refusal('expected a table named claims, found none');
    }
    const rows = database.prepare('select rowid, * from claims where rowid > ? order by rowid');
    rows.setReadBigInts(true);
    rows.setReturnArrays(true);
    const [, ...names] = rows.columns().map(({ name }) => name);
    const readRow = tableReader(names, file.source ?? system);
    let position = resume?.position ?? 0;
    for (const row of rows.iterate(resume?.offset ?? Number.MIN_SAFE_INTEGER) as Iterable<unknown>) {
      const [rowid, ...cells] = row as [bigint, ...unknown[]];
      position += 1;
      yield { ...readRow(cells, position), resume: { offset: Number(rowid), position } };
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

/** Immutable: the directory is mounted read-only, where SQLite could make neither its lock nor its journal files. */
function open(path: string): DatabaseSync {
  const url = pathToFileURL(path);
  url.searchParams.set('immutable', '1');
  try {
    return new DatabaseSync(url, { readOnly: true });
  } catch (error) {
    throw new Refusal('cannot be opened as a SQLite database', { cause: error });
  }
}
