import { DatabaseSync } from 'node:sqlite';
import { claimColumn, flatColumns } from './columns.ts';
import type { ExportedClaim } from './export-claims.ts';

/** Writes claims into a new SQLite file, in one transaction: the same claims make the same bytes. */
export async function writeSqlite(claims: AsyncIterable<ExportedClaim>, path: string): Promise<number> {
  const database = new DatabaseSync(path);
  let count = 0;
  try {
    database.exec('pragma journal_mode = off; pragma synchronous = off');
    const columns = [...flatColumns, claimColumn];
    database.exec(`create table claims (${columns.map((name) => `${name} text`).join(', ')})`);
    database.exec('begin');
    const insert = database.prepare(`insert into claims values (${columns.map(() => '?').join(', ')})`);
    for await (const { cells, claim } of claims) {
      insert.run(...cells.map((cell) => (cell === '' ? null : cell)), claim);
      count += 1;
    }
    database.exec('commit');
  } finally {
    database.close();
  }
  return count;
}
