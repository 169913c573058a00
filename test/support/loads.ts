import { randomUUID } from 'node:crypto';
import { mkdtemp, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach } from 'vitest';
import { contentHash, fileStamp } from '../../src/ingest/input.ts';
import { beginImport } from '../../src/ingest/queries.ts';
import { loadFiles } from '../../src/ingest/scan.ts';
import { silentLog } from './app.ts';
import { testDatabase } from './database.ts';
import { temporaryDirectory } from './files.ts';
import { expectTotalsExact } from './totals.ts';

/** A data directory and a database, both empty at the start of each test; behind it, the totals are those of the claims. */
export async function testLoads() {
  const db = await testDatabase();
  const parent = await temporaryDirectory();
  const loads = {
    db,
    data: '',
    write: (name: string, content: string | Uint8Array) => writeFile(join(loads.data, name), content),
    load: () => loadFiles(db.url, loads.data, silentLog()),
    /** What a scan does before it loads a file. Returns the id of the import. */
    async begin(name: string, sql = db.sql): Promise<string> {
      const path = join(loads.data, name);
      const content = { contentHash: await contentHash(path), ...(await fileStamp(path)) };
      return (await beginImport(sql, { id: randomUUID(), file: name, ...content })).id;
    },
    async counts() {
      const [row] = await db.sql`
        select (select count(*)::int from claims) as claims, (select count(*)::int from claim_history) as history,
          (select sum(paid) from claims) as paid`;
      return row;
    },
    imports: () => db.sql`
      select file, status, read::int, added::int, changed::int, unchanged::int, rejected::int from imports
      order by started_at`,
  };
  beforeEach(async () => {
    loads.data = await mkdtemp(join(parent, 'data-'));
    await db.sql`
      truncate claims, claim_history, claim_totals, claim_total_changes, patients, providers, awaited_originals, imports,
        import_files, import_rejects`;
  });
  afterEach(() => expectTotalsExact(db.sql));
  return loads;
}
