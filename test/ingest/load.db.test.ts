import { appendFile, chmod, mkdir, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { logReport } from '../../src/ingest/report.ts';
import { loadFiles, loadListed } from '../../src/ingest/scan.ts';
import { createLogger } from '../../src/log.ts';
import { silentLog } from '../support/app.ts';
import { aClaim } from '../support/claims.ts';
import { testLoads } from '../support/loads.ts';
import { carrierClaims, carrierFile, carrierRow } from '../support/rif.ts';

const loads = await testLoads();
const { db, write, counts, imports, load: loadData } = loads;

describe('loading a directory', () => {
  it('loads each file once, however often it looks', async () => {
    await write('a.csv', carrierClaims(3));
    expect(await loadData()).toMatchObject({ completed: 1, known: 0 });
    expect(await loadData()).toMatchObject({ completed: 0, known: 1 });
    expect(await counts()).toEqual({ claims: 3, history: 0, paid: '240.00' });
    expect(await imports()).toHaveLength(1);
  });

  it('changes ten claims when ten of a rewritten file changed, and keeps their earlier states', async () => {
    await write('a.csv', carrierClaims(500));
    await loadData();
    await write(
      'a.csv',
      carrierClaims(500, (index) => (index % 50 === 7 ? { CLM_PMT_AMT: '81.00' } : {})),
    );
    await loadData();
    expect((await imports()).at(-1)).toMatchObject({ read: 500, added: 0, changed: 10, unchanged: 490, rejected: 0 });
    expect(await counts()).toEqual({ claims: 500, history: 10, paid: '40010.00' });
    const [state] = await db.sql`
      select h.paid as before, c.paid as after, h.version as old, c.version as new,
        h.ended_by = c.import_id as ended_by_import, h.document <> c.document as documents_differ
      from claim_history h join claims c using (id) limit 1`;
    expect(state).toEqual({
      before: '80.00',
      after: '81.00',
      old: 1,
      new: 2,
      ended_by_import: true,
      documents_differ: true,
    });
  });

  it('loads the same while it gives way to others, now and then', async () => {
    const path = join(loads.data, 'a.csv');
    let asked = 0;
    const load = (content: string) =>
      write('a.csv', content).then(() =>
        loadListed(db.url, [{ path, name: 'a.csv' }], {
          report: logReport(silentLog()),
          givesWay: () => {
            asked += 1;
            return asked % 7 < 4;
          },
        }),
      );
    await load(carrierClaims(3000));
    expect(asked).toBeGreaterThan(3000);
    await load(carrierClaims(3000, (index) => (index % 2 === 0 ? { CLM_PMT_AMT: '81.00' } : {})));
    expect(await imports()).toEqual([
      expect.objectContaining({ status: 'completed', read: 3000, added: 3000, rejected: 0 }),
      expect.objectContaining({ status: 'completed', read: 3000, changed: 1500, unchanged: 1500, rejected: 0 }),
    ]);
    expect(await counts()).toEqual({ claims: 3000, history: 1500, paid: '241500.00' });
  });

  it('follows a file that is put back to what it held before', async () => {
    for (const paid of ['80.00', '81.00', '80.00']) {
      await write('a.csv', carrierFile([carrierRow({ CLM_PMT_AMT: paid })]));
      await loadData();
    }
    expect(await counts()).toEqual({ claims: 1, history: 2, paid: '80.00' });
  });

  it('loads the same content once, under whatever names', async () => {
    await write('a.csv', carrierClaims(3));
    await write('b.csv', carrierClaims(3));
    expect(await loadData()).toMatchObject({ completed: 1, known: 1 });
    expect(await loadData()).toMatchObject({ completed: 0, known: 2 });
  });

  it('holds a claim once when two files have it', async () => {
    await write('a.csv', carrierClaims(3));
    await write('b.csv', carrierClaims(4));
    await loadData();
    expect(await imports()).toMatchObject([
      { file: 'a.csv', added: 3, unchanged: 0 },
      { file: 'b.csv', added: 1, unchanged: 3 },
    ]);
  });

  it('takes the later of two states of a claim in one file, and keeps the earlier', async () => {
    await write('a.csv', carrierFile([carrierRow({ CLM_ID: '-1' })]));
    const lines = ['70.00', '71.00'].map((paid) => canonicalLine(paid)).join('\n');
    await write('b.ndjson', lines);
    await loadData();
    expect((await imports()).at(-1)).toMatchObject({ read: 2, added: 1, changed: 1 });
    expect(await counts()).toMatchObject({ claims: 2, history: 1, paid: '151.00' });
  });

  it('compresses large claims by LZ4, where PostgreSQL has it', async () => {
    const [{ methods }] = (await db.sql`
      select to_json(enumvals) as methods from pg_settings where name = 'default_toast_compression'`) as [
      { methods: string[] },
    ];
    const method = methods.includes('lz4') ? 'lz4' : 'pglz';
    const claim = aClaim();
    const large = (word: string) => JSON.stringify({ ...claim, source: { text: `${word} `.repeat(2000) } });
    const compression = () => db.sql`
      select pg_column_compression(source) as of from claims
      union all select pg_column_compression(source) from claim_history`;
    await write('a.ndjson', large('one'));
    await loadData();
    expect(await compression()).toEqual([{ of: method }]);
    await write('a.ndjson', large('another'));
    await loadData();
    expect(await compression()).toEqual([{ of: method }, { of: method }]);
  });

  it('reads subdirectories, links and compressed files, and leaves hidden ones out', async () => {
    await mkdir(join(loads.data, 'deep/er'), { recursive: true });
    await write('deep/er/a.csv', carrierFile([carrierRow({ CLM_ID: '-1' })]));
    await write('b.csv.gz', gzipSync(carrierFile([carrierRow({ CLM_ID: '-2' })])));
    await write('c.csv.zst', zstdCompressSync(carrierFile([carrierRow({ CLM_ID: '-3' })])));
    await mkdir(join(loads.data, '..data'));
    await write('..data/d.csv', carrierFile([carrierRow({ CLM_ID: '-4' })]));
    await write('..data/hidden.csv', carrierFile([carrierRow({ CLM_ID: '-5' })]));
    await symlink('..data/d.csv', join(loads.data, 'd.csv'));
    await symlink('nowhere', join(loads.data, 'dangling.csv'));
    expect(await loadData()).toMatchObject({ completed: 4, failed: 0 });
    expect((await imports()).map((row) => row.file).sort()).toEqual([
      'b.csv.gz',
      'c.csv.zst',
      'd.csv',
      'deep/er/a.csv',
    ]);
  });

  it('follows links to directories, also into hidden ones, and goes in no circles', async () => {
    await mkdir(join(loads.data, '..data/deep'), { recursive: true });
    await write('..data/deep/a.csv', carrierFile([carrierRow({ CLM_ID: '-1' })]));
    await symlink('..data/deep', join(loads.data, 'deep'));
    await symlink('.', join(loads.data, 'circle'));
    expect(await loadData()).toMatchObject({ completed: 1, failed: 0 });
    expect((await imports()).map((row) => row.file)).toEqual(['deep/a.csv']);
  });

  it.skipIf(process.getuid?.() === 0)('reports a directory that it may not read, and loads the others', async () => {
    await mkdir(join(loads.data, 'lost+found'), { mode: 0 });
    await write('z.csv', carrierClaims(2));
    expect(await loadData()).toMatchObject({ completed: 1, failed: 1 });
  });

  it('reports names that are not UTF-8, and loads the others', async () => {
    const named = (name: string) => Buffer.concat([Buffer.from(`${loads.data}/`), Buffer.from(name, 'latin1')]);
    await writeFile(named('caf\xe9.csv'), carrierClaims(1));
    await mkdir(named('d\xe9'));
    await write('z.csv', carrierClaims(2));
    const lines: string[] = [];
    const log = silentLog();
    log.error = ((line: string) => lines.push(line)) as never;
    expect(await loadFiles(db.url, loads.data, log)).toMatchObject({ completed: 1, failed: 2 });
    const reason = 'its name is not UTF-8, so it cannot be opened: rename it';
    expect(lines).toEqual([`caf\uFFFD.csv: ${reason}`, `d\uFFFD: ${reason}`]);
  });

  it('reports a file of no known format, and skips it', async () => {
    await write('notes.txt', 'nothing to see');
    expect(await loadData()).toMatchObject({ unknown: 1 });
    expect(await imports()).toMatchObject([{ file: 'notes.txt', status: 'unknown', read: 0 }]);
    expect(await loadData()).toMatchObject({ unknown: 0, known: 1 });
  });

  it('says that an empty directory holds no files, and that a missing one is missing', async () => {
    expect(await loadData()).toMatchObject({ completed: 0, known: 0, unknown: 0, failed: 0 });
    await rm(loads.data, { recursive: true });
    await expect(loadData()).rejects.toThrow(/does not exist: mount the claim files there, or set CLAIMS_API_DATA/);
  });

  it('says what to do about a path that is neither a file nor a directory', async () => {
    await expect(loadFiles(db.url, '/dev/null', silentLog())).rejects.toThrow(
      '/dev/null is neither a file nor a directory: to load what comes from a pipe, redirect it to "claims import -".',
    );
  });

  it.skipIf(process.getuid?.() === 0)('reports a file that it may not read, and loads the others', async () => {
    await write('a.csv', carrierClaims(1));
    await write('b.csv', carrierClaims(2));
    await chmod(join(loads.data, 'a.csv'), 0);
    expect(await loadData()).toMatchObject({ completed: 1, failed: 1 });
  });

  it('keeps what a truncated file gave, and says where it broke', async () => {
    const whole = gzipSync(carrierClaims(6_000));
    await write('a.csv.gz', whole.subarray(0, whole.length / 2));
    expect(await loadData()).toMatchObject({ failed: 1 });
    const [row] = await db.sql`select status, reason, added::int from imports`;
    expect(row?.reason).toMatch(/compressed data are damaged or end early/);
    expect(await counts()).toMatchObject({ claims: row?.added });
    await write('a.csv.gz', whole);
    await loadData();
    expect(await counts()).toMatchObject({ claims: 6_000, history: 0 });
  });

  it('loads a file again that changed while it was read', async () => {
    await write('a.csv', carrierClaims(3000));
    const path = join(loads.data, 'a.csv');
    const changing = silentLog();
    // The first line about the file is logged when its loading begins.
    changing.info = (async () => {
      changing.info = () => {};
      await appendFile(path, `${carrierRow({ CLM_ID: '-9999' })}\n`);
    }) as never;
    expect(await loadFiles(db.url, loads.data, changing)).toMatchObject({ failed: 1, completed: 0 });
    expect(await imports()).toMatchObject([{ status: 'failed' }]);
    expect(await loadData()).toMatchObject({ completed: 1 });
    expect(await counts()).toMatchObject({ claims: 3001 });
  });

  it('records each reject with its file, line, field and reason, and takes the rest', async () => {
    await write(
      'a.csv',
      carrierClaims(100, (index) => (index === 41 ? { CLM_FROM_DT: '30-Feb-2020' } : {})),
    );
    expect(await loadData()).toMatchObject({ completed: 1, rejected: 1 });
    const rejects = await db.sql`
      select i.file, r.position::int, r.unit, r.claim, r.field, r.reason from import_rejects r join imports i on i.id = r.import_id`;
    expect(rejects).toEqual([
      {
        file: 'a.csv',
        position: 43,
        unit: 'line',
        claim: '-42',
        field: 'CLM_FROM_DT',
        reason: 'expected a day of the calendar as dd-Mon-yyyy, yyyymmdd or yyyy-mm-dd',
      },
    ]);
    expect(await counts()).toMatchObject({ claims: 99 });
  });

  it('logs no name, member id or value of a record', async () => {
    const lines: string[] = [];
    const log = createLogger({ logLevel: 'debug', logFormat: 'json' });
    for (const level of ['debug', 'info', 'warn', 'error'] as const)
      log[level] = ((...said: unknown[]) => lines.push(JSON.stringify(said))) as never;
    await write(
      'a.csv',
      carrierFile([
        carrierRow({ BENE_ID: 'MEMBER-77', CLM_FROM_DT: 'SECRET-77' }),
        carrierRow({ CLM_ID: '-2', BENE_ID: 'MEMBER-77' }),
      ]),
    );
    await loadFiles(db.url, loads.data, log);
    expect(lines.join()).toContain('a.csv');
    expect(lines.join()).not.toMatch(/MEMBER|SECRET/);
  });
});

describe('beneficiary files', () => {
  const header = 'BENE_ID|BENE_BIRTH_DT|BENE_SEX_IDENT_CD|RFRNC_YR';
  const patients = async () =>
    (await db.sql<{ document: string }[]>`select document from claims order by id`).map(
      (row) => JSON.parse(row.document).patient,
    );

  it('give their patients birth date and sex, loaded before or after the claims', async () => {
    await write('claims.csv', carrierFile([carrierRow({ BENE_ID: '-1' })]));
    await write('beneficiary.csv', `${header}\n-1|17-Jan-1942|2|2015\n`);
    await loadData();
    expect(await patients()).toMatchObject([{ id: '-1', birthDate: '1942-01-17', gender: 'female' }]);
    expect(await counts()).toMatchObject({ history: 0 });

    await write('later.csv', `${header}\n-1|18-Jan-1942|2|2016\n`);
    await loadData();
    expect(await patients()).toMatchObject([{ birthDate: '1942-01-18' }]);
    expect(await counts()).toMatchObject({ claims: 1, history: 1, paid: '80.00' });
    expect((await imports()).at(-1)).toMatchObject({ file: 'later.csv', changed: 1 });
  });

  it('hold for the latest year, in whatever order they come', async () => {
    await write('a.csv', `${header}\n-1|18-Jan-1942|2|2016\n`);
    await write('b.csv', `${header}\n-1|17-Jan-1942|2|2015\n`);
    await write('c.csv', carrierFile([carrierRow({ BENE_ID: '-1' })]));
    await loadData();
    expect(await patients()).toMatchObject([{ birthDate: '1942-01-18' }]);
  });
});

function canonicalLine(paid: string): string {
  return JSON.stringify({
    identifier: { system: 'test', value: 'A1' },
    type: 'professional',
    use: 'claim',
    status: 'paid',
    patient: { id: 'P' },
    billablePeriod: { start: '2020-01-01', end: '2020-01-01' },
    diagnosis: [],
    procedure: [],
    item: [],
    total: { paid },
  });
}
