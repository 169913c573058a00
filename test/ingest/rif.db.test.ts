import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, expect, it } from 'vitest';
import { loadFiles } from '../../src/ingest/scan.ts';
import { createLogger } from '../../src/log.ts';
import { testDatabase } from '../support/database.ts';
import { describeWithFixtures, fixtures } from '../support/fixtures.ts';

const kinds = ['carrier', 'dme', 'hha', 'hospice', 'inpatient', 'outpatient', 'pde', 'snf'];

describeWithFixtures("CMS's own sample files", async () => {
  const db = await testDatabase();
  const directory = join(fixtures ?? '', 'rif');

  beforeAll(async () => {
    const summary = await loadFiles(db.url, directory, createLogger({ logLevel: 'silent', logFormat: 'json' }));
    expect(summary).toMatchObject({ failed: 0, rejected: 0 });
  });

  it('hold as many claims of each kind for each beneficiary as their export summary counts', async () => {
    const [header = '', ...rows] = readFileSync(join(directory, 'export_summary.csv'), 'utf8').trim().split('\n');
    const columns = header.split(',').map((name) => name.replace('_CLAIMS', '').toLowerCase());
    const expected = rows.flatMap((row) => {
      const [patient, ...numbers] = row.split(',');
      return numbers
        .map((number, index) => [patient, columns[index + 1], Number(number)])
        .filter(([, , count]) => count);
    });
    const loaded = await db.sql`select patient_id, sub_type, count(*)::int from claims group by 1, 2`;
    expect(loaded.map((row) => Object.values(row)).sort()).toEqual(expected.sort());
  });

  it.each(kinds)('hold the paid amounts of their %s file to the cent', async (kind) => {
    const [number, paid] = kind === 'pde' ? ['PDE_ID', 'CVRD_D_PLAN_PD_AMT'] : ['CLM_ID', 'CLM_PMT_AMT'];
    // Each claim's amount once, summed in cents by awk.
    const sum = execFileSync('awk', [
      '-F|',
      `NR==1{for(i=1;i<=NF;i++)c[$i]=i;next}!s[$c["${number}"]]++{t+=int($c["${paid}"]*100+0.5)}END{printf "%.2f",t/100}`,
      join(directory, `${kind}.csv`),
    ]).toString();
    const [row] = await db.sql`select sum(paid)::text as paid from claims where sub_type = ${kind}`;
    expect(row?.paid).toBe(sum);
  });

  it('keep each text of more than three characters that is no date or number, in the document or under source', async () => {
    for (const kind of kinds) {
      const [header = '', ...rows] = readFileSync(join(directory, `${kind}.csv`), 'utf8')
        .trim()
        .split('\n');
      const number = header.split('|').indexOf(kind === 'pde' ? 'PDE_ID' : 'CLM_ID');
      const claims = await db.sql<{ number: string; text: string }[]>`
        select identifier_value as number, document || coalesce(source, '') as text from claims where sub_type = ${kind}`;
      const texts = new Map(claims.map((claim) => [claim.number, claim.text]));
      for (const row of rows) {
        const fields = row.split('|');
        const text = texts.get(fields[number] as string) ?? '';
        for (const field of fields) {
          const value = field.trim();
          // Dates, amounts, codes of status and line numbers are kept in another form.
          if (value.length > 3 && !/^\d{2}-\w{3}-\d{4}$|^-?[\d.]+$|^INSERT$/.test(value)) expect(text).toContain(value);
        }
      }
    }
  });

  it('give each claim its patient’s birth date and sex', async () => {
    const claims = await db.sql<{ document: string }[]>`select document from claims`;
    const known = new Set(claims.map(({ document }) => JSON.stringify(JSON.parse(document).patient)));
    expect([...known].sort().map((patient) => JSON.parse(patient))).toMatchObject([
      { id: '-1000006', birthDate: '1942-01-17', gender: 'female' },
      { id: '-1000014', birthDate: '1945-11-11', gender: 'male' },
      { id: '-1000018', birthDate: '1945-11-23', gender: 'male' },
    ]);
  });
});
