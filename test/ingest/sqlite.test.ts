import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import type { Entry } from '../../src/ingest/format.ts';
import { detectFormat } from '../../src/ingest/formats/index.ts';
import { sqlite } from '../../src/ingest/formats/sqlite.ts';
import { openInput, readHead } from '../../src/ingest/input.ts';
import { claimsOf, rejectsOf, temporaryDirectory } from '../support/files.ts';

const directory = await temporaryDirectory();

function database(...statements: string[]): string {
  const path = join(directory, `claims-${process.hrtime.bigint()}.db`);
  const db = new DatabaseSync(path);
  for (const statement of statements) db.exec(statement);
  db.close();
  return path;
}

async function read(path: string, resume?: Entry['resume']): Promise<Entry[]> {
  const entries: Entry[] = [];
  for await (const entry of sqlite.read(openInput(path), resume)) entries.push(entry);
  return entries;
}

const table = `create table claims (
  id integer primary key, claim_id text, patient_id text, provider_id text, diagnosis_code text, procedure_code text,
  service_date text, amount real, status text, notes text)`;

describe('sqlite', () => {
  it('is told by its first bytes', async () => {
    expect(detectFormat(await readFile(database(table)))).toBe(sqlite);
  });

  it('finds the columns by name and keeps the others under source', async () => {
    const path = database(
      table,
      `insert into claims values (1, 'C-1', 'P-1', '1234567893', 'E11.9', '99213', '2024-02-29', 1234.5, 'Approved', 'call back')`,
    );
    expect(claimsOf(await read(path))).toEqual([
      {
        identifier: { system: 'claims.db', value: 'C-1' },
        type: 'professional',
        use: 'claim',
        status: 'paid',
        patient: { id: 'P-1' },
        provider: { id: '1234567893', npi: '1234567893' },
        billablePeriod: { start: '2024-02-29', end: '2024-02-29' },
        diagnosis: [{ sequence: 1, type: 'principal', system: 'ICD-10-CM', code: 'E11.9' }],
        procedure: [],
        item: [
          {
            sequence: 1,
            servicedPeriod: { start: '2024-02-29', end: '2024-02-29' },
            productOrService: { system: 'HCPCS', code: '99213' },
            charge: '1234.50',
          },
        ],
        total: { charge: '1234.50' },
        source: { id: '1', notes: 'call back' },
      },
    ]);
  });

  it('takes amounts to the cent from REAL, INTEGER and TEXT', async () => {
    const path = database(
      'create table claims (claim_id, member_id, service_date, amount)',
      `insert into claims values (1, 'P', '2024-01-01', 0.1), (2, 'P', '2024-01-01', 7), (3, 'P', '2024-01-01', '$1,234.56'),
        (4, 'P', '2024-01-01', 4503599627.37)`,
    );
    expect(claimsOf(await read(path)).map((claim) => claim.total.charge)).toEqual([
      '0.10',
      '7.00',
      '1234.56',
      '4503599627.37',
    ]);
  });

  it.each([
    ["'C-1', 'P-1', null, null, null, '2024-02-30', 1, null, null", 'service_date'],
    ["'C-1', 'P-1', null, null, null, null, 1, null, null", 'service_date'],
    ["'C-1', 'P-1', null, null, null, '2024-02-01', 'lots', null, null", 'amount'],
    ["'C-1', 'P-1', null, null, null, '2024-02-01', 0.1 + 0.2, null, null", 'amount'],
    ["'C-1', 'P-1', null, null, null, '2024-02-01', 1e39, null, null", 'amount'],
    ["'C-1', null, null, null, null, '2024-02-01', 1, null, null", 'patient_id'],
    ["null, 'P-1', null, null, null, '2024-02-01', 1, null, null", 'claim_id'],
    ["'C-1', 'P-1', null, null, null, '2024-02-01', 1, 'sideways', null", 'status'],
  ])('rejects the row (%s) for its %s and takes the others', async (values, field) => {
    const good = "'C-9', 'P-9', null, null, null, '2024-02-01', 1, null, null";
    const entries = await read(database(table, `insert into claims values (1, ${values}), (2, ${good})`));
    expect(rejectsOf(entries)).toMatchObject([{ position: 1, field }]);
    expect(claimsOf(entries).map((claim) => claim.identifier.value)).toEqual(['C-9']);
  });

  it('goes on behind any row', async () => {
    const path = database(
      table,
      ...[3, 7, 20].map(
        (id) =>
          `insert into claims (id, claim_id, patient_id, service_date) values (${id}, 'C-${id}', 'P', '2024-01-01')`,
      ),
    );
    const all = await read(path);
    for (const [index, entry] of all.entries()) expect(await read(path, entry.resume)).toEqual(all.slice(index + 1));
  });

  it.each([
    [
      'a view',
      'create table others (x, y)',
      "create view claims as select x as claim_id, 'P' as member_id, y as service_date from others",
      'insert into others',
    ],
    [
      'a table without rowids',
      'create table claims (claim_id primary key, service_date, member_id default 1) without rowid',
      '',
      'insert into claims (claim_id, service_date)',
    ],
    [
      'a table with a column named rowid',
      'create table claims (rowid, claim_id, service_date, member_id default 1)',
      '',
      'insert into claims (claim_id, service_date)',
    ],
  ])('reads %s, and goes on behind any row of it', async (_, first, second, insert) => {
    const path = database(first, second, `${insert} values ('C-1', '2024-01-01'), ('C-2', '2024-01-02')`);
    const all = await read(path);
    expect(claimsOf(all).map((claim) => claim.identifier.value)).toEqual(['C-1', 'C-2']);
    for (const [index, entry] of all.entries()) expect(await read(path, entry.resume)).toEqual(all.slice(index + 1));
  });

  it('reads a compressed database', async () => {
    const plain = database(
      table,
      "insert into claims (claim_id, patient_id, service_date) values ('C', 'P', '2024-01-01')",
    );
    const path = `${plain}.gz`;
    await writeFile(path, gzipSync(await readFile(plain)));
    expect(detectFormat(await readHead(path))).toBe(sqlite);
    expect(await read(path)).toEqual(await read(plain));
  });

  it('refuses a database whose last changes are not in its file yet', async () => {
    const path = join(directory, 'open.db');
    const db = new DatabaseSync(path);
    db.exec('pragma journal_mode = wal');
    db.exec(table);
    await expect(read(path)).rejects.toThrow(/found changes in the file -wal beside it/);
    db.exec('pragma wal_checkpoint(truncate)');
    expect(await read(path)).toEqual([]);
    db.close();
    await writeFile(`${path}-journal`, Buffer.from('d9d505f920a163d700000000', 'hex'));
    await expect(read(path)).rejects.toThrow(/found changes in the file -journal beside it/);
  });

  it.each([
    ['without a table claims', 'create table other (id)', 'expected a table named claims, found none'],
    [
      'without a claim number',
      'create table claims (patient_id, service_date)',
      /expected a column named like one of claimid/,
    ],
    ['without a service date', 'create table claims (claim_id, patient_id)', /named like one of servicedate/],
  ])('refuses a database %s', async (_, statement, reason) => {
    await expect(read(database(statement))).rejects.toThrow(reason);
  });
});
