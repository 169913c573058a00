import { describe, expect, it } from 'vitest';
import { desynpuf } from '../../src/ingest/formats/desynpuf.ts';
import { importText } from '../support/app.ts';
import { testDatabase } from '../support/database.ts';
import { claimsOf, readAll, temporaryDirectory } from '../support/files.ts';

const csv = (...records: Record<string, string>[]) => {
  const names = [...new Set(records.flatMap((record) => Object.keys(record)))];
  return [names, ...records.map((record) => names.map((name) => record[name] ?? ''))]
    .map((line) => `${line.join(',')}\n`)
    .join('');
};

describe('DE-SynPUF', () => {
  const lines = (record: Record<string, string>) => ({
    ...Object.fromEntries(Array.from({ length: 13 }, (_, index) => [`LINE_NCH_PMT_AMT_${index + 1}`, '0.00'])),
    ...record,
  });

  it('carrier claims have their lines, sums to the cent, and their patients’ birth dates', async () => {
    const { sql, url } = await testDatabase();
    await importText(
      url,
      csv({
        DESYNPUF_ID: 'AB1',
        BENE_BIRTH_DT: '19230501',
        BENE_DEATH_DT: '',
        BENE_SEX_IDENT_CD: '2',
        BENE_RACE_CD: '1',
      }),
      'beneficiary.csv',
    );
    const record = lines({
      DESYNPUF_ID: 'AB1',
      CLM_ID: '887213386947664',
      CLM_FROM_DT: '20090714',
      CLM_THRU_DT: '20090715',
      ICD9_DGNS_CD_1: '3598',
      HCPCS_CD_1: '99213',
      LINE_NCH_PMT_AMT_1: '40.10',
      LINE_ALOWD_CHRG_AMT_1: '50.10',
      LINE_COINSRNC_AMT_1: '10.00',
      LINE_NCH_PMT_AMT_2: '0.20',
      HCPCS_CD_2: 'G0431',
      TAX_NUM_1: '824023319',
    });
    expect(
      await importText(url, csv(record, { ...record, CLM_ID: '2', CLM_FROM_DT: '20090231' }), 'carrier.csv'),
    ).toMatchObject({ rejected: 1 });
    const [claim] = await sql<{ paid: string; allowed: string; document: string; source: string }[]>`
      select paid, allowed, document, source from claims`;
    expect(claim).toMatchObject({ paid: '40.30', allowed: '50.10', source: '{"TAX_NUM_1":"824023319"}' });
    expect(JSON.parse(claim?.document ?? '')).toMatchObject({
      type: 'professional',
      patient: { id: 'AB1', birthDate: '1923-05-01', gender: 'female' },
      diagnosis: [{ type: 'principal', system: 'ICD-9-CM', code: '3598' }],
      item: [
        { sequence: 1, paid: '40.10', adjudication: [{ category: 'coinsurance', amount: '10.00' }] },
        { sequence: 2, paid: '0.20' },
      ],
    });
    expect(await sql`select field, claim from import_rejects`).toEqual([{ field: 'CLM_FROM_DT', claim: '2' }]);
  });

  it('inpatient claims are one for their two segments, and drug events one each', async () => {
    const { sql, url } = await testDatabase();
    const segment = {
      DESYNPUF_ID: 'AB1',
      CLM_ID: '19',
      CLM_FROM_DT: '20100401',
      CLM_THRU_DT: '20100403',
      CLM_ADMSN_DT: '20100401',
      CLM_DRG_CD: '217',
    };
    const text = csv(
      { ...segment, SEGMENT: '1', CLM_PMT_AMT: '4000.00', ICD9_DGNS_CD_1: '7802', HCPCS_CD_1: '' },
      { ...segment, SEGMENT: '2', CLM_PMT_AMT: '0.00', HCPCS_CD_1: '99231' },
    );
    expect(await importText(url, text, 'inpatient.csv')).toMatchObject({ completed: 1, rejected: 0 });
    const event = {
      DESYNPUF_ID: 'AB1',
      PDE_ID: '23',
      SRVC_DT: '20080102',
      PROD_SRVC_ID: '51129404301',
      QTY_DSPNSD_NUM: '60.000',
      DAYS_SUPLY_NUM: '30',
      PTNT_PAY_AMT: '10.00',
      TOT_RX_CST_AMT: '30.00',
    };
    await importText(url, csv(event), 'pde.csv');
    expect(
      await sql`select type, sub_type, paid, charge, patient_responsibility as share from claims order by type`,
    ).toEqual([
      { type: 'institutional', sub_type: 'inpatient', paid: '4000.00', charge: null, share: null },
      { type: 'pharmacy', sub_type: 'pde', paid: null, charge: '30.00', share: '10.00' },
    ]);
  });
});

describe('the segments of DE-SynPUF', () => {
  it('make one claim also where other claims stand between them, and the first says the dates', async () => {
    const record = { DESYNPUF_ID: 'AB1', CLM_FROM_DT: '20100401', CLM_THRU_DT: '20100403', CLM_DRG_CD: '217' };
    const text = csv(
      { ...record, CLM_ID: '19', SEGMENT: '2', CLM_FROM_DT: '', CLM_THRU_DT: '', CLM_PMT_AMT: '5.00' },
      { ...record, CLM_ID: '20', SEGMENT: '1', CLM_PMT_AMT: '7.00' },
      { ...record, CLM_ID: '19', SEGMENT: '1', CLM_PMT_AMT: '4000.00' },
      { ...record, CLM_ID: '21', SEGMENT: '1', CLM_PMT_AMT: '8.00' },
    );
    const directory = await temporaryDirectory();
    const all = await readAll(desynpuf, directory, text);
    expect(claimsOf(all).map(({ identifier, total }) => [identifier.value, total.paid])).toEqual([
      ['20', '7.00'],
      ['21', '8.00'],
      ['19', '4005.00'],
    ]);
    for (const [index, entry] of all.entries()) {
      expect(await readAll(desynpuf, directory, text, entry.resume)).toEqual(all.slice(index + 1));
    }
  });
});

describe('Synthea', () => {
  const claims = csv({
    Id: 'c-1',
    PATIENTID: 'p-1',
    PROVIDERID: 'd-1',
    PRIMARYPATIENTINSURANCEID: 'i-1',
    DIAGNOSIS1: '44054006',
    SERVICEDATE: '2020-03-01T10:00:00Z',
    STATUS1: 'CLOSED',
    HEALTHCARECLAIMTYPEID1: '1',
    APPOINTMENTID: 'a-1',
  });
  const transaction = {
    CLAIMID: 'c-1',
    CHARGEID: '1',
    PATIENTID: 'p-1',
    FROMDATE: '2020-03-01T10:00:00Z',
    TODATE: '2020-03-01T10:15:00Z',
  };
  const transactions = csv(
    {
      ID: 't-1',
      ...transaction,
      TYPE: 'CHARGE',
      AMOUNT: '136.8',
      PROCEDURECODE: '185345009',
      UNITS: '1',
      TRANSFERTYPE: '1',
    },
    { ID: 't-2', ...transaction, TYPE: 'PAYMENT', AMOUNT: '', PAYMENTS: '100.5', TRANSFERTYPE: '1' },
    { ID: 't-3', ...transaction, TYPE: 'PAYMENT', PAYMENTS: '36.3', TRANSFERTYPE: 'p' },
  );

  it.each([
    ['before', [claims, transactions]],
    ['after', [transactions, claims]],
  ])('claims loaded %s their transactions have charges and payments', async (_, files) => {
    const { sql, url } = await testDatabase();
    for (const text of files) expect(await importText(url, text)).toMatchObject({ completed: 1, rejected: 0 });
    const rows = await sql<{ document: string; source: string }[]>`select document, source from claims`;
    expect(rows).toHaveLength(1);
    expect(JSON.parse(rows[0]?.document ?? '')).toMatchObject({
      status: 'paid',
      patient: { id: 'p-1' },
      insurer: { id: 'i-1' },
      diagnosis: [{ system: 'SNOMED CT', code: '44054006' }],
      item: [{ charge: '136.80', paid: '100.50', productOrService: { code: '185345009' } }],
      total: { charge: '136.80', paid: '100.50', patientResponsibility: '36.30' },
    });
    expect(rows[0]?.source).toContain('a-1');
    expect(rows[0]?.source).toContain('t-3');
    const { submission, reports } = JSON.parse(rows[0]?.source ?? '');
    expect(submission.SERVICEDATE).toBe('2020-03-01T10:00:00Z');
    expect(reports[0].source.transactions[1]).toMatchObject({
      ID: 't-2',
      CHARGEID: '1',
      TYPE: 'PAYMENT',
      PAYMENTS: '100.5',
    });
  });

  it('transactions behind a charge are of it, whatever their numbers, and their method says who paid', async () => {
    const { sql, url } = await testDatabase();
    const line = (code: string, ...rest: Record<string, string>[]) =>
      rest.map((one) => ({ ...transaction, PROCEDURECODE: code, TRANSFERTYPE: '', ...one }));
    const text = csv(
      ...[
        ...line(
          '111',
          { TYPE: 'CHARGE', AMOUNT: '100.00', TRANSFERTYPE: '1', METHOD: '', PAYMENTS: '0.00', ADJUSTMENTS: '0.00' },
          { TYPE: 'PAYMENT', METHOD: 'COPAY', PAYMENTS: '10.00' },
          { TYPE: 'ADJUSTMENT', METHOD: 'SYSTEM', ADJUSTMENTS: '5.00' },
          { TYPE: 'PAYMENT', METHOD: 'ECHECK', PAYMENTS: '60.00' },
          { TYPE: 'TRANSFEROUT' },
          { TYPE: 'TRANSFERIN', AMOUNT: '25.00', TRANSFERTYPE: 'p' },
          { TYPE: 'PAYMENT', METHOD: 'CC', PAYMENTS: '25.00' },
        ),
        ...line('222', { TYPE: 'CHARGE', AMOUNT: '8.00' }, { TYPE: 'PAYMENT', METHOD: 'ECHECK', PAYMENTS: '8.00' }),
      ].map((one, index) => ({ ID: `t-${index}`, ...one, CHARGEID: `${index + 1}` })),
    );
    expect(await importText(url, text)).toMatchObject({ completed: 1, rejected: 0 });
    const [row] = await sql<{ document: string }[]>`select document from claims`;
    expect(JSON.parse(row?.document ?? '')).toMatchObject({
      item: [
        { charge: '100.00', paid: '60.00', adjudication: [{ category: 'adjustment', amount: '5.00' }] },
        { charge: '8.00', paid: '8.00' },
      ],
      total: { charge: '108.00', paid: '68.00', patientResponsibility: '35.00' },
    });
    expect(JSON.parse(row?.document ?? '').item).toHaveLength(2);
  });

  it('claims whose header has a name twice are refused: one of the two would be lost', async () => {
    const { url } = await testDatabase();
    const text = claims.replace('APPOINTMENTID', 'PROVIDERID');
    expect(await importText(url, text)).toMatchObject({ completed: 0, failed: 1 });
  });
});
