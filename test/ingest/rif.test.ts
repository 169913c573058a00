import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { detectFormat } from '../../src/ingest/formats/index.ts';
import { rif } from '../../src/ingest/formats/rif.ts';
import { rifBeneficiary } from '../../src/ingest/formats/rif-beneficiary.ts';
import { scatteredClaims } from '../../src/ingest/formats/rif-scattered.ts';
import { openInput } from '../../src/ingest/input.ts';
import { claimsOf, readAll, rejectsOf, temporaryDirectory } from '../support/files.ts';
import { carrierClaims, carrierFile, carrierHeader, carrierRow, type RifColumn } from '../support/rif.ts';

const directory = await temporaryDirectory();
const read = (content: string | Uint8Array) => readAll(rif, directory, content);

describe('rif', () => {
  it('is told by its header', () => {
    expect(detectFormat(Buffer.from(carrierFile([])))).toBe(rif);
    expect(detectFormat(Buffer.from('BENE_ID|BENE_BIRTH_DT|BENE_SEX_IDENT_CD\n'))).toBe(rifBeneficiary);
    expect(detectFormat(Buffer.from('BENE_ID|CLM_ID\n'))).toBeUndefined();
    expect(detectFormat(Buffer.from('a|b\n'))).toBeUndefined();
  });

  it('groups the rows of a claim', async () => {
    const entries = await read(
      carrierFile([
        carrierRow({ CLM_ID: '-1', LINE_NUM: '1' }),
        carrierRow({ CLM_ID: '-1', LINE_NUM: '2', HCPCS_CD: 'G0444' }),
        carrierRow({ CLM_ID: '-2' }),
      ]),
    );
    expect(claimsOf(entries).map((claim) => [claim.identifier.value, claim.item.map((item) => item.sequence)])).toEqual(
      [
        ['-1', [1, 2]],
        ['-2', [1]],
      ],
    );
  });

  it.each([
    ['the last first', (cells: string[]) => cells.toReversed()],
    ['those of lines first', (cells: string[]) => [...cells.slice(-5), ...cells.slice(0, -5)]],
    ['the claim number last', (cells: string[]) => [...cells.toSpliced(2, 1), cells[2] as string]],
  ])('finds the columns in any order: %s', async (_, order) => {
    const rows = [
      carrierRow({ LINE_NUM: '1', LINE_NCH_PMT_AMT: '80.00' }),
      carrierRow({ LINE_NUM: '12', LINE_NCH_PMT_AMT: '7.10', HCPCS_CD: 'G0444' }),
      carrierRow({ CLM_ID: '-101' }),
    ];
    const usual = claimsOf(await read(carrierFile(rows)));
    const content = [carrierHeader, ...rows].map((line) => `${order(line.split('|')).join('|')}\n`).join('');
    const entries = await read(content);
    expect(rejectsOf(entries)).toEqual([]);
    const fields = (claims: typeof usual) => claims.map(({ source, ...claim }) => claim);
    expect(fields(claimsOf(entries))).toEqual(fields(usual));
  });

  it('takes names of columns in lower case, and days as other programs write them', async () => {
    const row = carrierRow({ CLM_FROM_DT: '2018-03-18', CLM_THRU_DT: '20180319' });
    const [claim] = claimsOf(await read(`${carrierHeader.toLowerCase()}\n${row}\n`));
    expect(claim).toMatchObject({
      billablePeriod: { start: '2018-03-18', end: '2018-03-19' },
      total: { paid: '80.00' },
    });
  });

  it('refuses a header with a name twice: one of the two columns would be lost', async () => {
    const content = carrierFile([carrierRow()]).replace('CARR_NUM', 'CLM_PMT_AMT');
    await expect(read(content)).rejects.toThrow(/each column name once/);
  });

  it('brings together the rows of a claim that are scattered over the file', async () => {
    const rows = ['-1', '-2', '-1', '-3', '-2'].map((id, index) =>
      carrierRow({ CLM_ID: id, LINE_NUM: String(index + 1) }),
    );
    const claims = claimsOf(await read(carrierFile(rows)));
    expect(claims.map((claim) => [claim.identifier.value, claim.item.map((item) => item.sequence)])).toEqual([
      ['-3', [4]],
      ['-1', [1, 3]],
      ['-2', [2, 5]],
    ]);
  });

  it('brings together exactly those, also where others are taken for them at first', async () => {
    const numbers = Array.from({ length: 120_000 }, (_, index) => String(-1 - index));
    const again = ['-5', '-110000', '-119999'];
    const rows = [...numbers, ...again].map((number) => `${number}|`).join('\n');
    const path = join(directory, 'scattered');
    await writeFile(path, `CLM_ID|\n${rows}\n`);
    expect(await scatteredClaims(openInput(path), 0, false)).toEqual(new Set(again));
  });

  const long = 'n'.repeat(20_000);
  it.each([0, 1, 2])(
    'tells scattered claims by column %i, wherever chunks of the file end and whatever rows hold',
    async (column) => {
      const claimRows = fc
        .record({
          number: fc.constantFrom('1', '22', ' 22', '22 ', 'é3', '4', '', ' ', long, `${long}5`),
          before: fc.string({ unit: fc.constantFrom('x', ' ', 'ü'), maxLength: 3 }),
          // Some of these move the rows behind them over the end of a chunk, of 32 kB.
          behind: fc.oneof(fc.nat(5), fc.nat(40_000)).map((length) => 'y'.repeat(length)),
        })
        .map(({ number, before, behind }) => [before, before, behind].toSpliced(column, 1, number).join('|'));
      const row = fc.oneof({ weight: 6, arbitrary: claimRows }, fc.constantFrom('', 'damaged', '|'));
      const end = fc.constantFrom('\n', '\r\n');
      const path = join(directory, `scattered ${column}`);
      const isLast = column === 2;
      await fc.assert(
        fc.asyncProperty(fc.array(row, { maxLength: 30 }), end, fc.boolean(), async (rows, lineEnd, isEnded) => {
          await writeFile(path, rows.join(lineEnd) + (isEnded ? lineEnd : ''));
          const runs = rows
            .map((text) => text.split('|'))
            .map((fields) => (isLast || fields.length > column + 1 ? fields[column]?.trim() : undefined))
            .filter(Boolean)
            .filter((number, index, all) => number !== all[index - 1]);
          const expected = new Set(runs.filter((number, index) => runs.indexOf(number) !== index));
          expect(await scatteredClaims(openInput(path), column, isLast)).toEqual(expected);
        }),
        { numRuns: 200 },
      );
    },
  );

  it.each(['together', 'scattered'])('goes on behind any entry when the rows are %s', async (how) => {
    const ids = how === 'together' ? ['-1', '-1', '-2', '-3', '-3'] : ['-1', '-2', '-1', '-3', '-2', '-4'];
    const content = carrierFile(ids.map((id, index) => carrierRow({ CLM_ID: id, LINE_NUM: String(index + 1) })));
    const all = await read(content);
    for (const [index, entry] of all.entries()) {
      expect(await readAll(rif, directory, content, entry.resume)).toEqual(all.slice(index + 1));
    }
  });

  it('keeps under source what the claim has no field for', async () => {
    const [claim] = claimsOf(await read(carrierFile([carrierRow({ CARR_CLM_CNTL_NUM: '-7', HCPCS_CD: '99213' })])));
    // The codes of type and denial say more than the claim's sub-type and status, which others mean too.
    expect(claim?.source).toEqual({ CARR_CLM_CNTL_NUM: '-7', CARR_CLM_PMT_DNL_CD: '1', NCH_CLM_TYPE_CD: '71' });
  });

  it.each<[RifColumn, string, string]>([
    ['CLM_FROM_DT', '31-Feb-2018', 'expected a day of the calendar as dd-Mon-yyyy, yyyymmdd or yyyy-mm-dd'],
    ['CLM_FROM_DT', '', 'expected a day, found nothing'],
    ['CLM_FROM_DT', '19-Mar-2018', 'expected a day not before CLM_FROM_DT'],
    ['CLM_PMT_AMT', '12,5', 'expected dollars and cents, such as 1234.50, with at most 12 digits before the point'],
    [
      'CLM_PMT_AMT',
      '1'.repeat(40),
      'expected dollars and cents, such as 1234.50, with at most 12 digits before the point',
    ],
    ['CLM_PMT_AMT', '1.005', 'expected dollars and cents, such as 1234.50, with at most 12 digits before the point'],
    ['CLM_PMT_AMT', 'NaN', 'expected dollars and cents, such as 1234.50, with at most 12 digits before the point'],
    ['NCH_CLM_TYPE_CD', '99', 'expected one of the codes 71, 72, 81, 82, found another'],
    ['PRNCPAL_DGNS_VRSN_CD', '7', 'expected one of the codes 0, 9, found another'],
    ['LINE_NUM', '0', 'expected a line number from 1 to 999999'],
    ['BENE_ID', ' ', 'expected a value, found none'],
    ['LINE_NCH_PMT_AMT', 'x', 'expected dollars and cents, such as 1234.50, with at most 12 digits before the point'],
  ])('rejects a claim whose %s is %j, and takes the others', async (column, value, reason) => {
    const content = carrierFile([
      carrierRow({ CLM_ID: '-1' }),
      carrierRow({ CLM_ID: '-2', [column]: value }),
      carrierRow({ CLM_ID: '-3' }),
    ]);
    const entries = await read(content);
    expect(claimsOf(entries).map((claim) => claim.identifier.value)).toEqual(['-1', '-3']);
    const field = reason.includes('not before') ? 'CLM_THRU_DT' : column;
    expect(rejectsOf(entries)).toEqual([{ position: 3, claim: '-2', field, reason }]);
  });

  it('names the row of a claim that has the fault', async () => {
    const rows = [
      carrierRow({ LINE_NUM: '1' }),
      carrierRow({ LINE_NUM: '2' }),
      carrierRow({ LINE_NUM: '3', LINE_NCH_PMT_AMT: 'x' }),
    ];
    expect(rejectsOf(await read(carrierFile(rows)))).toMatchObject([
      { position: 4, claim: '-100', field: 'LINE_NCH_PMT_AMT' },
    ]);
  });

  it('rejects the whole claim when one of its rows has too few fields', async () => {
    const short = carrierRow({ CLM_ID: '-2', LINE_NUM: '2' }).split('|').slice(0, 6).join('|');
    const entries = await read(carrierFile([carrierRow({ CLM_ID: '-2' }), short, carrierRow({ CLM_ID: '-3' })]));
    expect(claimsOf(entries).map((claim) => claim.identifier.value)).toEqual(['-3']);
    expect(rejectsOf(entries)).toEqual([
      { position: 3, claim: '-2', field: 'CARR_NUM', reason: 'expected a row of 22 fields, found 6' },
    ]);
  });

  it('rejects a row without a claim number alone where it stands between claims', async () => {
    const entries = await read(carrierFile([carrierRow({ CLM_ID: '-1' }), 'rubbish', carrierRow({ CLM_ID: '-2' })]));
    expect(claimsOf(entries)).toHaveLength(2);
    expect(rejectsOf(entries)).toEqual([
      { position: 3, field: 'BENE_ID', reason: 'expected a row of 22 fields, found 1' },
    ]);
  });

  it('rejects the claim around a row that cannot be read, as the row may be of it', async () => {
    const entries = await read(
      carrierFile([
        carrierRow({ CLM_ID: '-1' }),
        'rubbish',
        carrierRow({ CLM_ID: '-1', LINE_NUM: '2' }),
        carrierRow({ CLM_ID: '-2' }),
      ]),
    );
    expect(claimsOf(entries).map((claim) => claim.identifier.value)).toEqual(['-2']);
    expect(rejectsOf(entries)).toMatchObject([{ position: 3, claim: '-1' }]);
  });

  it('rejects a claim whose rows contradict each other', async () => {
    const rows = [carrierRow({ LINE_NUM: '1' }), carrierRow({ LINE_NUM: '2', CLM_PMT_AMT: '81.00' })];
    expect(rejectsOf(await read(carrierFile(rows)))).toEqual([
      {
        position: 3,
        claim: '-100',
        field: 'CLM_PMT_AMT',
        reason: 'expected the same value on every row of a claim, found another than on line 2',
      },
    ]);
  });

  it('rejects a claim that has a line number twice', async () => {
    const entries = await read(carrierFile([carrierRow(), carrierRow()]));
    expect(rejectsOf(entries)).toMatchObject([{ claim: '-100', field: 'LINE_NUM' }]);
  });

  it.each([
    ['invalid UTF-8', 0xe9, 'expected UTF-8, found bytes that are not'],
    ['a NUL byte', 0x00, 'expected text, found a NUL byte'],
  ])('names the field that holds %s', async (_, byte, reason) => {
    const content = Buffer.from(
      carrierFile([carrierRow({ CLM_ID: '-1', HCPCS_CD: '9921#' }), carrierRow({ CLM_ID: '-2' })]),
    );
    content[content.indexOf('#')] = byte;
    const entries = await read(content);
    expect(claimsOf(entries).map((claim) => claim.identifier.value)).toEqual(['-2']);
    expect(rejectsOf(entries)).toEqual([{ position: 2, claim: '-1', field: 'HCPCS_CD', reason }]);
  });

  it('rejects a line of 50 MB and takes the others', async () => {
    const long = carrierRow({ CLM_ID: '-1', HCPCS_CD: 'x'.repeat(50_000_000) });
    const entries = await read(carrierFile([long, carrierRow({ CLM_ID: '-2' })]));
    expect(claimsOf(entries).map((claim) => claim.identifier.value)).toEqual(['-2']);
    expect(rejectsOf(entries)).toMatchObject([{ position: 2, claim: '-1', field: 'HCPCS_CD' }]);
  });

  it('quotes nothing of a record in a reason', async () => {
    const secret = 'Smith-1942-01-17';
    for (const column of carrierHeader.split('|') as RifColumn[]) {
      const reasons = rejectsOf(await read(carrierFile([carrierRow({ [column]: secret })]))).map(
        ({ reason }) => reason,
      );
      expect(reasons.join()).not.toContain('Smith');
    }
  });

  it('reads a denial, an update and a deletion', async () => {
    const content = carrierFile([
      carrierRow({ CLM_ID: '-1', CARR_CLM_PMT_DNL_CD: '0' }),
      carrierRow({ CLM_ID: '-2', DML_IND: 'UPDATE' }),
      carrierRow({ CLM_ID: '-3', DML_IND: 'DELETE' }),
    ]);
    expect(claimsOf(await read(content)).map((claim) => claim.status)).toEqual(['denied', 'paid', 'cancelled']);
  });

  it('takes a code without a version as of the revision in force on the day of service', async () => {
    const systems = claimsOf(
      await read(
        carrierClaims(2, (index) => {
          const day = index === 0 ? '30-Sep-2015' : '01-Oct-2015';
          return { CLM_FROM_DT: day, CLM_THRU_DT: day, PRNCPAL_DGNS_VRSN_CD: '' };
        }),
      ),
    ).map((claim) => claim.diagnosis[0]?.system);
    expect(systems).toEqual(['ICD-9-CM', 'ICD-10-CM']);
  });
});

describe('rif-beneficiary', () => {
  const header = 'DML_IND|BENE_ID|BENE_BIRTH_DT|BENE_SEX_IDENT_CD|RFRNC_YR';

  it('reads birth date, sex and reference year', async () => {
    const entries = await readAll(rifBeneficiary, directory, `${header}\nINSERT|-1|17-Jan-1942|2|2015\n`);
    expect(entries).toMatchObject([{ patient: { id: '-1', birthDate: '1942-01-17', gender: 'female', asOf: 2015 } }]);
  });

  it.each([
    ['INSERT|-1|30-Feb-1942|2|2015', 'BENE_BIRTH_DT'],
    ['INSERT|-1|17-Jan-1942|7|2015', 'BENE_SEX_IDENT_CD'],
    ['INSERT||17-Jan-1942|2|2015', 'BENE_ID'],
    ['INSERT|-1', 'BENE_BIRTH_DT'],
  ])('rejects %s for its %s and reads on', async (row, field) => {
    const entries = await readAll(rifBeneficiary, directory, `${header}\n${row}\nINSERT|-2|17-Jan-1942|1|2015\n`);
    expect(rejectsOf(entries)).toMatchObject([{ position: 2, field }]);
    expect(entries.at(-1)).toMatchObject({ patient: { id: '-2' } });
  });

  it.each([
    ['stands', { FINAL_ACTION: 'Y', CARR_CLM_ENTRY_CD: '1', CLM_DISP_CD: '01' }, 'paid'],
    ['was followed by another of its group', { FINAL_ACTION: 'N' }, 'replaced'],
    ['is a credit', { CARR_CLM_ENTRY_CD: '3' }, 'cancelled'],
    ['is a cancel', { CLM_DISP_CD: '03', FINAL_ACTION: 'N' }, 'cancelled'],
    ['was deleted', { DML_IND: 'DELETE' }, 'cancelled'],
  ])('of a claim that %s: it has that status', async (_, fields, status) => {
    const [claim] = claimsOf(await read(carrierFile([carrierRow({ CLM_GRP_ID: '-55', ...fields })])));
    expect(claim).toMatchObject({ status, otherIdentifier: [{ type: 'claim-group', value: '-55' }] });
  });
});
