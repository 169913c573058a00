import { addAmounts } from '../../claims/amount.ts';
import { codeSystems } from '../../claims/codes.ts';
import { Fault } from '../../claims/render.ts';
import type { Claim, Item } from '../../claims/schema.ts';
import { type CsvRecord, csvHeader, readCsv } from '../csv.ts';
import { type Entry, type Format, Refusal, type Resume } from '../format.ts';
import type { InputFile } from '../input.ts';
import { CsvRow, columnsByName } from './csv-row.ts';
import { firstLine } from './rif.ts';

/**
 * CMS 2008-2010 Data Entrepreneurs' Synthetic Public Use File: beneficiary summaries, carrier, inpatient and outpatient
 * claims, prescription drug events. Columns as in its codebook.
 */
export const desynpuf: Format = {
  name: 'desynpuf',
  unit: 'record',
  rank: 1,
  detect: (head) => kindOf(csvHeader(firstLine(head))?.names ?? []) !== undefined,
  read: readRecords,
};

/** Patients before their claims. */
export const desynpufBeneficiary: Format = {
  ...desynpuf,
  name: 'desynpuf-beneficiary',
  rank: 0,
  detect: (head) => kindOf(csvHeader(firstLine(head))?.names ?? []) === 'beneficiary',
};

type Kind = 'beneficiary' | 'pde' | 'carrier' | 'inpatient' | 'outpatient';

function kindOf(names: readonly string[]): Kind | undefined {
  const has = (name: string) => names.some((found) => found.trim().toUpperCase() === name);
  if (!has('DESYNPUF_ID')) return undefined;
  if (has('BENE_BIRTH_DT')) return 'beneficiary';
  if (has('PDE_ID')) return 'pde';
  if (!has('CLM_ID')) return undefined;
  if (has('LINE_NCH_PMT_AMT_1')) return 'carrier';
  return has('CLM_DRG_CD') || has('CLM_UTLZTN_DAY_CNT') ? 'inpatient' : 'outpatient';
}

const claimSystem = 'https://www.cms.gov/desynpuf/clm_id';
const eventSystem = 'https://www.cms.gov/desynpuf/pde_id';
const patientSystem = 'https://www.cms.gov/desynpuf/desynpuf_id';

async function* readRecords(file: InputFile, resume?: Resume): AsyncGenerator<Entry> {
  const held = await segmented(file);
  let columns: ReadonlyMap<string, number> | undefined;
  let kind: Kind = 'carrier';
  let last = 0;
  for await (const { names, record } of readCsv(file)) {
    if (columns === undefined) {
      columns = columnsByName(names);
      kind = kindOf(names) ?? 'carrier';
    }
    last = record.number;
    const segments = held.get(claimNumber(record, columns));
    if (segments) segments.push(record);
    else if (!resume || last > resume.position) {
      yield { ...readOne(kind, columns, [record], file.source), resume: { offset: 0, position: last } };
    }
  }
  // Counted as records behind the last one, so that a load that ends between two of them knows which is next.
  for (const records of held.values()) {
    last += 1;
    if (columns === undefined || (resume && last <= resume.position)) continue;
    const segment = ({ fields }: CsvRecord) => Number(fields[columns?.get('SEGMENT') ?? -1]);
    records.sort((a, b) => segment(a) - segment(b));
    yield { ...readOne(kind, columns, records, file.source), resume: { offset: 0, position: last } };
  }
}

const claimNumber = ({ fields }: CsvRecord, columns: ReadonlyMap<string, number>) =>
  fields[columns.get('CLM_ID') ?? -1]?.trim() ?? '';

const maxSegmented = 100_000;

/**
 * The inpatient and outpatient claims of more than one segment, which are few. Their records need not stand together:
 * they are held until the end of the file.
 */
async function segmented(file: InputFile): Promise<Map<string, CsvRecord[]>> {
  const numbers = new Map<string, CsvRecord[]>();
  let columns: ReadonlyMap<string, number> | undefined;
  for await (const { names, record } of readCsv(file)) {
    columns ??= columnsByName(names);
    const segment = columns.get('SEGMENT');
    if (segment === undefined) break;
    if (Number(record.fields[segment]) > 1) numbers.set(claimNumber(record, columns), []);
    if (numbers.size > maxSegmented) {
      throw new Refusal(`expected at most ${maxSegmented} claims of more than one segment in a file, found more`);
    }
  }
  return numbers;
}

type Unplaced = Entry extends infer E ? (E extends unknown ? Omit<E, 'resume'> : never) : never;

function readOne(
  kind: Kind,
  columns: ReadonlyMap<string, number>,
  records: CsvRecord[],
  source: string | undefined,
): Unplaced {
  const position = (records[0] as CsvRecord).number;
  let claim: string | undefined;
  try {
    const broken = records.find(({ fault }) => fault !== undefined);
    if (broken) throw new Fault('record', broken.fault as string);
    const rows = records.map(({ fields }) => new CsvRow(columns, fields));
    const row = rows[0] as CsvRow;
    if (kind === 'beneficiary') return { patient: patientOf(row) };
    claim = row.text(kind === 'pde' ? 'PDE_ID' : 'CLM_ID');
    const read =
      kind === 'pde' ? event(row, source) : kind === 'carrier' ? carrier(row, source) : facility(rows, kind, source);
    const rest = rows.map((one) => one.untaken()).filter((one) => one !== undefined);
    return {
      claim: rest.length > 0 ? { ...read, source: rest.length > 1 ? { segments: rest } : (rest[0] ?? {}) } : read,
      position,
    };
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    return { reject: { position, ...(claim && { claim }), field: error.field, reason: error.reason } };
  }
}

function patientOf(row: CsvRow) {
  const sex = row.text('BENE_SEX_IDENT_CD');
  return {
    system: patientSystem,
    id: row.required('DESYNPUF_ID'),
    birthDate: row.date('BENE_BIRTH_DT'),
    gender: sex === '1' ? ('male' as const) : sex === '2' ? ('female' as const) : ('unknown' as const),
    asOf: 0,
  };
}

const numbered = (prefix: string, count: number) =>
  Array.from({ length: count }, (_, index) => `${prefix}${index + 1}`);

function common(row: CsvRow, source: string | undefined) {
  const start = row.requiredDate('CLM_FROM_DT');
  const end = row.date('CLM_THRU_DT') ?? start;
  if (end < start) throw new Fault('CLM_THRU_DT', 'expected a day not before CLM_FROM_DT');
  return {
    identifier: { system: source ?? claimSystem, value: row.required('CLM_ID') },
    use: 'claim' as const,
    status: 'paid' as const,
    patient: { system: patientSystem, id: row.required('DESYNPUF_ID') },
    billablePeriod: { start, end },
  };
}

function diagnoses(row: CsvRow, count: number, admitting?: string): Claim['diagnosis'] {
  const list: Claim['diagnosis'] = [];
  for (const [index, column] of numbered('ICD9_DGNS_CD_', count).entries()) {
    const code = row.text(column, 50);
    if (code === undefined) continue;
    list.push({
      sequence: list.length + 1,
      ...(index === 0 && { type: 'principal' }),
      system: codeSystems.diagnosis9,
      code,
    });
  }
  const code = admitting && row.text(admitting, 50);
  if (code) list.push({ sequence: list.length + 1, type: 'admitting', system: codeSystems.diagnosis9, code });
  return list;
}

function carrier(row: CsvRow, source: string | undefined): Claim {
  const claim = common(row, source);
  const item: Item[] = [];
  for (let n = 1; n <= 13; n += 1) {
    const code = row.text(`HCPCS_CD_${n}`, 50);
    const provider = row.text(`PRF_PHYSN_NPI_${n}`);
    const paid = row.amount(`LINE_NCH_PMT_AMT_${n}`);
    const allowed = row.amount(`LINE_ALOWD_CHRG_AMT_${n}`);
    const diagnosis = row.text(`LINE_ICD9_DGNS_CD_${n}`, 50);
    const adjudication = [
      ['deductible', `LINE_BENE_PTB_DDCTBL_AMT_${n}`],
      ['priorpayerpaid', `LINE_BENE_PRMRY_PYR_PD_AMT_${n}`],
      ['coinsurance', `LINE_COINSRNC_AMT_${n}`],
    ].flatMap(([category = '', column = '']) => {
      const amount = row.amount(column);
      return amount ? [{ category, amount }] : [];
    });
    // Unused lines are filled with zeros.
    const used = code ?? provider ?? diagnosis;
    if (
      used === undefined &&
      [paid, allowed, ...adjudication.map(({ amount }) => amount)].every((a) => !a || a === '0.00')
    )
      continue;
    item.push({
      sequence: n,
      servicedPeriod: claim.billablePeriod,
      ...(code && { productOrService: { system: codeSystems.hcpcs, code } }),
      ...(diagnosis && { diagnosis: [diagnosis] }),
      ...(provider && { provider }),
      ...(allowed && { allowed }),
      ...(paid && { paid }),
      ...(adjudication.length > 0 && { adjudication }),
    });
  }
  const sum = (name: 'allowed' | 'paid') => {
    const amounts = item.flatMap((line) => line[name] ?? []);
    return amounts.length > 0 ? { [name]: addAmounts(amounts) } : {};
  };
  const provider = item.find((line) => line.provider)?.provider;
  return {
    ...claim,
    type: 'professional',
    subType: 'carrier',
    ...(provider && { provider: { id: provider, ...(/^\d{10}$/.test(provider) && { npi: provider }) } }),
    diagnosis: diagnoses(row, 8),
    procedure: [],
    item,
    total: { ...sum('allowed'), ...sum('paid') },
  };
}

function facility(rows: CsvRow[], kind: 'inpatient' | 'outpatient', source: string | undefined): Claim {
  const row = rows[0] as CsvRow;
  for (const other of rows.slice(1)) {
    for (const column of ['CLM_ID', 'DESYNPUF_ID']) other.text(column);
  }
  const claim = common(row, source);
  const paid = rows.flatMap((one) => one.amount('CLM_PMT_AMT') ?? []);
  const procedure = numbered('ICD9_PRCDR_CD_', 6).flatMap((column) => row.text(column, 50) ?? []);
  const item = rows.flatMap((one) => numbered('HCPCS_CD_', 45).flatMap((column) => one.text(column, 50) ?? []));
  const provider = row.text('PRVDR_NUM');
  const adjudication = [
    ['priorpayerpaid', 'NCH_PRMRY_PYR_CLM_PD_AMT'],
    ['deductible', 'NCH_BENE_IP_DDCTBL_AMT'],
    ['coinsurance', 'NCH_BENE_PTA_COINSRNC_LBLTY_AM'],
    ['deductible', 'NCH_BENE_PTB_DDCTBL_AMT'],
    ['coinsurance', 'NCH_BENE_PTB_COINSRNC_AMT'],
  ].flatMap(([category = '', column = '']) => {
    const amount = row.amount(column);
    return amount ? [{ category, amount }] : [];
  });
  const team = [
    ['attending', 'AT_PHYSN_NPI'],
    ['operating', 'OP_PHYSN_NPI'],
    ['other', 'OT_PHYSN_NPI'],
  ].flatMap(([role = '', column = '']) => {
    const id = row.text(column);
    return id ? [{ role, id }] : [];
  });
  const drg = row.text('CLM_DRG_CD', 50);
  const admitted = row.date('CLM_ADMSN_DT');
  const discharged = row.date('NCH_BENE_DSCHRG_DT');
  const info = [
    ...(drg ? [{ category: 'ms-drg', system: codeSystems.drg, code: drg }] : []),
    ...(admitted
      ? [
          {
            category: 'admission-period',
            period: { start: admitted, end: discharged && discharged > admitted ? discharged : admitted },
          },
        ]
      : []),
  ];
  return {
    ...claim,
    type: 'institutional',
    subType: kind,
    ...(provider && { provider: { id: provider } }),
    ...(team.length > 0 && { careTeam: team }),
    diagnosis: diagnoses(row, 10, 'ADMTNG_ICD9_DGNS_CD'),
    procedure: procedure.map((code, index) => ({ sequence: index + 1, system: codeSystems.procedure9, code })),
    ...(info.length > 0 && { supportingInfo: info }),
    item: item.map((code, index) => ({ sequence: index + 1, productOrService: { system: codeSystems.hcpcs, code } })),
    ...(adjudication.length > 0 && { adjudication }),
    total: paid.length > 0 ? { paid: addAmounts(paid) } : {},
  };
}

function event(row: CsvRow, source: string | undefined): Claim {
  const date = row.requiredDate('SRVC_DT');
  const charge = row.amount('TOT_RX_CST_AMT');
  const patientResponsibility = row.amount('PTNT_PAY_AMT');
  const ndc = row.text('PROD_SRVC_ID', 50);
  const quantity = row.decimal('QTY_DSPNSD_NUM');
  const days = row.text('DAYS_SUPLY_NUM', 50);
  return {
    identifier: { system: source ?? eventSystem, value: row.required('PDE_ID') },
    type: 'pharmacy',
    subType: 'pde',
    use: 'claim',
    status: 'paid',
    patient: { system: patientSystem, id: row.required('DESYNPUF_ID') },
    billablePeriod: { start: date, end: date },
    diagnosis: [],
    procedure: [],
    ...(days && { supportingInfo: [{ category: 'days-supply', code: days }] }),
    item: [
      {
        sequence: 1,
        servicedPeriod: { start: date, end: date },
        ...(ndc && { productOrService: { system: codeSystems.ndc, code: ndc } }),
        ...(quantity && { quantity }),
        ...(charge && { charge }),
      },
    ],
    total: { ...(charge && { charge }), ...(patientResponsibility && { patientResponsibility }) },
  };
}
