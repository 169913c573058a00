import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readConfig } from '../../src/config.ts';
import { importCommand } from '../../src/ingest/command.ts';
import { formatCount } from '../../src/quantity.ts';
import { temporaryDirectory } from '../support/files.ts';
import { testLoads } from '../support/loads.ts';
import { runProgram } from '../support/program.ts';
import { carrierClaims, carrierFile, carrierRow } from '../support/rif.ts';
import { sqliteClaims } from '../support/sqlite.ts';

const loads = await testLoads();
const { db, write } = loads;
const elsewhere = await temporaryDirectory();

/** At a terminal. Returns the exit status, and the lines without the progress that was written over. */
async function atTerminal(...args: string[]) {
  let text = '';
  const config = { ...readConfig({}), databaseUrl: db.url, dataDirectory: loads.data };
  const status = await importCommand(args, config, {
    in: process.stdin,
    err: { write: (part) => (text += part), isTTY: true, columns: 100 },
  });
  const lines = text
    .split('\n')
    .map((line) => line.split('\r\x1b[K').at(-1) ?? '')
    .filter((line) => line !== '');
  return { status, text, lines };
}

const rows = () => db.sql`
  select (select count(*)::int from claims) as claims, (select count(*)::int from claim_history) as history,
    (select count(*)::int from imports) as imports, (select count(*)::int from import_files) as files,
    (select count(*)::int from import_rejects) as rejects, (select count(*)::int from patients) as patients`;
const counts = 'read, added, changed, unchanged, rejected';
const importsBy = async () =>
  (await db.sql`select ${db.sql.unsafe(counts)} from imports order by file`).map((row) =>
    Object.entries(row)
      .map(([name, count]) => `${formatCount(Number(count))} ${name}`)
      .join(', '),
  );

describe('claims import at a terminal', () => {
  it('shows its progress, and what became of the file', async () => {
    await write('a.csv', carrierClaims(3));
    const { status, text, lines } = await atTerminal();
    expect(status).toBe(0);
    expect(text).toContain('\r\x1b[Ka.csv  ');
    expect(lines).toEqual([expect.stringMatching(/^a\.csv: loaded in [\d.]+ s: 3 read, 3 added/)]);
  });

  it('shows the first rejects, and where to read the others', async () => {
    await write(
      'a.csv',
      carrierClaims(20, (index) => (index < 12 ? { CLM_PMT_AMT: `SECRET${index}` } : {})),
    );
    const { status, lines, text } = await atTerminal();
    expect(status).toBe(2);
    const [row] = await db.sql`select id from imports`;
    const at = lines.indexOf('Rejects and warnings:');
    expect(lines.slice(at + 1)).toEqual([
      ...Array.from({ length: 10 }, (_, index) =>
        expect.stringMatching(new RegExp(`^  a\\.csv, line ${index + 2}, CLM_PMT_AMT: expected `)),
      ),
      `  a.csv: 2 more; GET /api/imports/${row?.id}/rejects has all`,
    ]);
    expect(text).not.toContain('SECRET');
  });

  it('shows the name of a file without what a terminal would take for a command, or for another line', async () => {
    await write(
      'a\x1b[2K\r\n.csv',
      carrierClaims(2, (index) => (index === 1 ? { CLM_PMT_AMT: 'x' } : {})),
    );
    const { text, lines } = await atTerminal();
    expect(text.split('\x1b[K').join('')).not.toContain('\x1b');
    expect(lines.map((line) => line.slice(0, 14))).toEqual([
      'a\uFFFD[2K\uFFFD\uFFFD.csv: l',
      'Rejects and wa',
      '  a\uFFFD[2K\uFFFD\uFFFD.csv,',
    ]);
  });

  it('says what was loaded before', async () => {
    await write('a.csv', carrierClaims(3));
    await atTerminal();
    expect((await atTerminal()).lines).toEqual(['1 loaded before']);
  });

  it('ends with the same status when the same is loaded again', async () => {
    const bad = carrierClaims(3, (index) => (index === 1 ? { CLM_PMT_AMT: 'x' } : {}));
    await write('a.csv', bad);
    expect((await atTerminal()).status).toBe(2);
    expect(await atTerminal()).toMatchObject({ status: 2, lines: ['1 loaded before; 1 rejected then'] });
    // Known by its content, not by its name.
    await write('b.csv', bad);
    expect((await atTerminal(join(loads.data, 'b.csv'))).status).toBe(2);
    await write('notes.txt', 'nothing to see');
    expect((await atTerminal(join(loads.data, 'notes.txt'))).status).toBe(1);
    expect(await atTerminal(join(loads.data, 'notes.txt'))).toMatchObject({
      status: 1,
      lines: ['notes.txt: skipped before, as it is of no format that is known here'],
    });
  });

  it('ends with the status of the whole file where it goes on with a load that was killed', async () => {
    await write(
      'a.csv',
      carrierClaims(3, (index) => (index === 1 ? { CLM_PMT_AMT: 'x' } : {})),
    );
    await atTerminal();
    await db.sql`update imports set status = 'running', finished_at = null`;
    expect((await atTerminal()).status).toBe(2);
  });
});

describe('claims import', () => {
  it('reads a file as the format that is named', async () => {
    await write('a', carrierClaims(1));
    expect((await atTerminal(join(loads.data, 'a'), '--format', 'ndjson')).status).not.toBe(0);
    expect((await atTerminal(join(loads.data, 'a'), '--format', 'rif')).status).toBe(0);
    expect((await rows())[0]).toMatchObject({ claims: 1 });
  });

  it('numbers claims by the source that is named, though the file was loaded by another', async () => {
    await write('a.db', sqliteClaims());
    await atTerminal(join(loads.data, 'a.db'));
    await atTerminal(join(loads.data, 'a.db'), '--source', 'warehouse');
    expect(await db.sql`select identifier_system as system from claims order by 1`).toEqual([
      { system: 'claims.db' },
      { system: 'warehouse' },
    ]);
    expect((await atTerminal(join(loads.data, 'a.db'), '--source', 'warehouse')).lines.join()).toContain(
      'loaded before',
    );
  });

  it('does not take a file elsewhere for the one of that name in the data directory', async () => {
    await write('a.csv', carrierFile([carrierRow({ CLM_PMT_AMT: '80.00' })]));
    await loads.load();
    await writeFile(join(elsewhere, 'a.csv'), carrierFile([carrierRow({ CLM_PMT_AMT: '81.00' })]));
    await atTerminal(elsewhere);
    expect(await loads.load()).toMatchObject({ completed: 0, known: 1 });
    expect(await db.sql`select paid from claims`).toEqual([{ paid: '81.00' }]);
  });

  it('knows a file of the data directory by its name there', async () => {
    await mkdir(join(loads.data, 'deep'));
    await write('deep/a.csv', carrierClaims(2));
    await atTerminal(join(loads.data, 'deep'));
    expect(await db.sql`select file from import_files`).toEqual([{ file: 'deep/a.csv' }]);
  });
});

describe('a dry run', () => {
  const dryRun = () => atTerminal('--dry-run');

  it('changes nothing', async () => {
    await write('a.csv', carrierClaims(5));
    await write('b.csv', 'BENE_ID|BENE_BIRTH_DT|BENE_SEX_IDENT_CD|RFRNC_YR\n-1|17-Jan-1942|2|2015\n');
    await write('notes.txt', 'nothing to see');
    const before = await rows();
    const { status, lines } = await dryRun();
    expect(status).toBe(1);
    expect(await rows()).toEqual(before);
    expect(lines.at(-1)).toBe('Nothing was changed: this was a dry run.');
  });

  it('says of every file what an import then does', async () => {
    await write('a.csv', carrierClaims(9000));
    await atTerminal();
    await write(
      'b.csv',
      carrierClaims(9500, (index) =>
        index % 1000 === 7 ? { CLM_PMT_AMT: '81.00' } : index % 1000 === 8 ? { CLM_PMT_AMT: 'x' } : {},
      ),
    );
    // Of the same claims, so that what it does depends on the file before it.
    await write('c.csv', carrierFile([carrierRow({ CLM_ID: '-8', CLM_PMT_AMT: '82.00' })]));
    await db.sql`delete from imports`;
    await db.sql`delete from import_files`;
    const { status, lines } = await dryRun();
    expect(status).toBe(2);
    const foretold = ['a', 'b', 'c'].map((name) =>
      lines.find((line) => line.startsWith(`${name}.csv: would be loaded`))?.replace(/^.*loaded: /, ''),
    );
    await atTerminal();
    expect(foretold).toEqual(await importsBy());
  });

  it('reads also what was loaded before', async () => {
    await write('a.csv', carrierClaims(5));
    await atTerminal();
    expect((await dryRun()).lines[0]).toBe(
      'a.csv: would be loaded: 5 read, 0 added, 0 changed, 5 unchanged, 0 rejected',
    );
  });

  it('tells every reject in the log where there is no terminal', async () => {
    const bad = 1500;
    await write(
      'a.csv',
      carrierClaims(bad, () => ({ CLM_PMT_AMT: 'x' })),
    );
    const program = runProgram(['import', loads.data, '--dry-run'], { DATABASE_URL: db.url });
    expect(await program.ended()).toBe(2);
    const rejects = program
      .output()
      .split('\n')
      .filter((line) => line.includes('CLM_PMT_AMT: expected'));
    expect(rejects).toHaveLength(bad);
    expect(rejects[0]).toContain('a.csv: line 2, CLM_PMT_AMT: expected');
  });
});
