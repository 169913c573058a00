import { createWriteStream } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { exportedClaims, textFormats, writeText } from '../../src/export/export-claims.ts';
import { writeSqlite } from '../../src/export/write-sqlite.ts';
import { loadFiles } from '../../src/ingest/scan.ts';
import { importClaims, importText, silentLog } from '../support/app.ts';
import { aClaim } from '../support/claims.ts';
import { testDatabase } from '../support/database.ts';
import { temporaryDirectory } from '../support/files.ts';
import { describeWithFixtures, fixtures } from '../support/fixtures.ts';
import { an835, an837, claim, paidClaim } from '../support/x12.ts';

const first = await testDatabase();
const directory = await temporaryDirectory();

await importClaims(first.url, [
  aClaim(),
  aClaim({ source: { text: 'quotes ", commas, lines\nand \\ back\tslashes', number: 12.5, deep: [{ a: null }] } }),
  aClaim({ patient: { id: 'Ω', name: { family: 'Großmann', given: '\u{1f600}' } }, source: { text: 'Größe' } }),
  aClaim({ patient: { id: '=cmd()', name: { family: 'Müller, "Zoë"', given: '\u{1f600}' } }, source: undefined }),
  aClaim({ source: { resourceType: 'ExplanationOfBenefit', billablePeriod: {}, identifier: [] } }),
  aClaim({ insurer: undefined, provider: undefined, subType: undefined, diagnosis: [], procedure: [], item: [] }),
]);
await importText(first.url, an837(claim(), claim('C2')), 'a.837');
await importText(first.url, an835('70', paidClaim()), 'b.835');

async function exported(url: { sql: typeof first.sql }, format: string, name: string): Promise<Buffer> {
  const path = join(directory, `${name}.${format}`);
  if (format === 'sqlite') await writeSqlite(exportedClaims(url.sql), path);
  else {
    const file = createWriteStream(path);
    await writeText(exportedClaims(url.sql), format as 'csv', file);
    await new Promise((resolve) => file.end(resolve));
  }
  return readFile(path);
}

describe('an export', () => {
  it.each([...textFormats, 'sqlite'])(
    'as %s is read back to the same claims, and exported again to the same bytes',
    async (format) => {
      const bytes = await exported(first, format, 'first');
      const second = await testDatabase();
      const summary = await loadFiles(second.url, join(directory, `first.${format}`), silentLog());
      expect(await second.sql`select field, reason from import_rejects`).toEqual([]);
      expect(summary).toMatchObject({ completed: 1, rejected: 0 });
      const again = await exported(second, format, 'second');
      expect(again.equals(bytes)).toBe(true);
      const rows = (sql: typeof first.sql) => sql`
      select id, type, status, patient_id, paid, payer_claim_number, diagnoses, document, source, hash from claims order by id`;
      expect(await rows(second.sql)).toEqual([...(await rows(first.sql))]);
    },
  );

  it('as CSV guards spreadsheets against formulas, and rejects a row whose cells say something else than its claim', async () => {
    const text = (await exported(first, 'csv', 'edited')).toString();
    expect(text).toContain(",'=cmd(),");
    const second = await testDatabase();
    const [header, line] = text.split('\n');
    const edited = (line as string).replace(/,paid,/, ',denied,');
    expect(edited).not.toBe(line);
    expect(await importText(second.url, `${header}\n${edited}\n`, 'edited.csv')).toMatchObject({ rejected: 1 });
    expect(await second.sql`select field from import_rejects`).toEqual([{ field: 'status' }]);
  });
});

describeWithFixtures('an export of claims of other origin', () => {
  it.each([...textFormats, 'sqlite'])('as %s is read back, and exported again to the same bytes', async (format) => {
    const [third, fourth] = [await testDatabase(), await testDatabase()];
    for (const kind of ['fhir', 'rif', 'x12']) {
      await loadFiles(third.url, join(fixtures ?? '', kind), silentLog());
    }
    const bytes = await exported(third, format, 'third');
    const summary = await loadFiles(fourth.url, join(directory, `third.${format}`), silentLog());
    expect(summary).toMatchObject({ completed: 1, rejected: 0 });
    const count = ({ sql }: typeof third) => sql`select count(*)::int from claims`;
    expect(await count(fourth)).toEqual([...(await count(third))]);
    expect((await exported(fourth, format, 'fourth')).equals(bytes)).toBe(true);
  });
});

describe('a CSV of other origin', () => {
  it('is taken up to where its quotes can no longer be read', async () => {
    const { sql, url } = await testDatabase();
    const text = 'claim_id,member_id,service_date\nC-1,M,2024-01-05\nC-2,"M" x,2024-01-05\nC-3,M,2024-01-05\n';
    expect(await importText(url, text, 'quotes.csv')).toMatchObject({ completed: 0, failed: 1 });
    expect(await sql`select identifier_value as number from claims`).toEqual([{ number: 'C-1' }]);
    const [row] = await sql<{ reason: string }[]>`select reason from imports`;
    expect(row?.reason).toMatch(/behind record 2 /);
  });

  it('is mapped by the names of its columns, and what has none is kept under source', async () => {
    const { sql, url } = await testDatabase();
    const text =
      '\ufeffClaim Number;Member ID;Service Date;Billed Amount;Diagnosis;Region\r\n' +
      'C-1;M-1;2024-01-05;"1.234";E11.9;North\r\n'.replace('"1.234"', '12.5') +
      'C-2;M-2;2024-02-30;10;E11.9;South\r\n' +
      'C-3;M-3\r\n';
    expect(await importText(url, text, 'warehouse.csv')).toMatchObject({ completed: 1, rejected: 2 });
    expect(await sql`select identifier_system, identifier_value, charge, source from claims`).toEqual([
      { identifier_system: 'claims.csv', identifier_value: 'C-1', charge: '12.50', source: '{"Region":"North"}' },
    ]);
    expect(await sql`select position::int, field from import_rejects order by number`).toEqual([
      { position: 2, field: 'Service Date' },
      { position: 3, field: 'record' },
    ]);
  });
});
