import { codeSystems } from '../../claims/codes.ts';
import type { Claim, ClaimStatus, Item } from '../../claims/schema.ts';
import { diagnoses, procedures } from './rif-codes.ts';
import {
  adjudication,
  amounts,
  billing,
  type Column,
  careTeam,
  claimIdentity,
  group,
  insurer,
  paidOn,
  patient,
  present,
  processed,
  requiredDate,
  sequence,
  service,
  serviced,
  standing,
  supportingInfo,
} from './rif-parts.ts';
import type { RifHeader, RifRow } from './rif-row.ts';

/**
 * From the rows of a claim in CMS's Research Identifiable Files to the canonical claim. Columns and codes as in CMS's
 * CCW codebooks; systems of identifiers as Blue Button 2.0 names them.
 */

const pdeId = 'https://bluebutton.cms.gov/resources/variables/pde_id';

/** Of the three layouts, told apart by the columns of the header. */
export interface RifLayout {
  /** The column of the claim's number. */
  number: string;
  /** The column from which on the columns are of a line, not of the claim; undefined where a row is a claim. */
  line?: string;
  /** Columns that are of a line wherever they stand, in files that order them otherwise. */
  lineColumns?: RegExp;
  claim(rows: RifRow[], header: RifHeader): Claim;
}

export function rifLayout(header: RifHeader): RifLayout | undefined {
  if (!header.has('BENE_ID')) return undefined;
  if (header.has('PDE_ID')) return event;
  if (!header.has('CLM_ID') || !header.has('NCH_CLM_TYPE_CD')) return undefined;
  if (header.has('CLM_LINE_NUM')) return institutional;
  return header.has('LINE_NUM') ? professional : undefined;
}

const professionalKinds = new Map([
  ['71', 'carrier'],
  ['72', 'carrier'],
  ['81', 'dme'],
  ['82', 'dme'],
]);
const institutionalKinds = new Map([
  ['10', 'hha'],
  ['20', 'snf'],
  ['30', 'snf'],
  ['40', 'outpatient'],
  ['50', 'hospice'],
  ['60', 'inpatient'],
  ['61', 'inpatient'],
  ['62', 'inpatient'],
  ['63', 'inpatient'],
  ['64', 'inpatient'],
]);

/** CARR_CLM_PMT_DNL_CD: 0 and D are denials, letters and 12 to 29 say which other payer's liability avoided the cost. */
const carrierStatus = new Map<string, ClaimStatus>([
  ...[...'123456789AB'].map((code) => [code, 'paid'] as const),
  ...[...'0DEFGHJKPQTUVXYZ'].map((code) => [code, 'denied'] as const),
  ...['12', '13', '14', '15', '16', '17', '18', '21', '22', '25', '26', '42', '43'].map(
    (code) => [code, 'denied'] as const,
  ),
]);

/** ADJSTMT_DLTN_CD of a prescription drug event; blank is an original one. */
const eventStatus = new Map<string, ClaimStatus>([
  ['A', 'paid'],
  ['D', 'cancelled'],
  ['R', 'paid'],
]);

const professionalTeam: readonly Column[] = [{ name: 'RFR_PHYSN_NPI', as: 'referring' }];
const professionalAdjudication: readonly Column[] = [
  { name: 'CARR_CLM_PRMRY_PYR_PD_AMT', as: 'priorpayerpaid' },
  { name: 'NCH_CLM_PRVDR_PMT_AMT', as: 'paidtoprovider' },
  { name: 'NCH_CLM_BENE_PMT_AMT', as: 'paidtopatient' },
  { name: 'CARR_CLM_CASH_DDCTBL_APLD_AMT', as: 'deductible' },
];

const professional: RifLayout = {
  number: 'CLM_ID',
  line: 'LINE_NUM',
  lineColumns:
    /^(?:LINE|CARR_LINE|CARR_PRFRNG|DMERC_LINE|HCPCS|PRF|PRVDR|PRTCPTNG|BETOS|HPSA|CPO)_|^(?:ORG_NPI_NUM|TAX_NUM)$/,
  claim(rows, header) {
    const row = rows[0] as RifRow;
    const { billablePeriod, ...identity } = claimIdentity(row, 'professional', professionalKinds);
    const item = rows.map((line) => professionalItem(line));
    const provider =
      row.code('CARR_CLM_BLG_NPI_NUM') ??
      row.code('PRVDR_NPI') ??
      row.code('ORG_NPI_NUM') ??
      row.code('PRF_PHYSN_NPI') ??
      row.code('PRVDR_NUM');
    return {
      ...identity,
      status: standing(row, row.oneOf('CARR_CLM_PMT_DNL_CD', carrierStatus) ?? 'paid'),
      ...processed(row),
      patient: patient(row),
      ...insurer(row, 'CARR_NUM'),
      ...billing(provider),
      ...careTeam(row, professionalTeam),
      billablePeriod,
      diagnosis: diagnoses(row, billablePeriod.start),
      procedure: [],
      item,
      ...adjudication(row, professionalAdjudication),
      total: amounts(row, {
        charge: 'NCH_CARR_CLM_SBMTD_CHRG_AMT',
        allowed: 'NCH_CARR_CLM_ALOWD_AMT',
        paid: 'CLM_PMT_AMT',
      }),
      ...source(rows, header, professional),
    };
  },
};

const institutionalTeam: readonly Column[] = [
  { name: 'AT_PHYSN_NPI', as: 'attending' },
  { name: 'OP_PHYSN_NPI', as: 'operating' },
  { name: 'OT_PHYSN_NPI', as: 'other' },
];
const institutionalInfo: readonly Column[] = [
  { name: 'CLM_DRG_CD', as: 'ms-drg', system: codeSystems.drg },
  { name: 'PTNT_DSCHRG_STUS_CD', as: 'discharge-status', system: codeSystems.nubc },
  { name: 'CLM_IP_ADMSN_TYPE_CD', as: 'admission-type', system: codeSystems.nubc },
  { name: 'CLM_SRC_IP_ADMSN_CD', as: 'admission-source', system: codeSystems.nubc },
  { name: 'CLM_FREQ_CD', as: 'claim-frequency', system: codeSystems.nubc },
];
const institutionalAdjudication: readonly Column[] = [
  { name: 'NCH_PRMRY_PYR_CLM_PD_AMT', as: 'priorpayerpaid' },
  { name: 'CLM_OP_PRVDR_PMT_AMT', as: 'paidtoprovider' },
  { name: 'CLM_OP_BENE_PMT_AMT', as: 'paidtopatient' },
  { name: 'NCH_BENE_IP_DDCTBL_AMT', as: 'deductible' },
  { name: 'NCH_BENE_PTB_DDCTBL_AMT', as: 'deductible' },
  { name: 'NCH_BENE_PTA_COINSRNC_LBLTY_AM', as: 'coinsurance' },
  { name: 'NCH_BENE_PTB_COINSRNC_AMT', as: 'coinsurance' },
  { name: 'NCH_IP_NCVRD_CHRG_AMT', as: 'noncovered' },
];

const institutional: RifLayout = {
  number: 'CLM_ID',
  line: 'CLM_LINE_NUM',
  lineColumns: /^REV_CNTR|^(?:HCPCS|RNDRNG)_/,
  claim(rows, header) {
    const row = rows[0] as RifRow;
    const { billablePeriod, ...identity } = claimIdentity(row, 'institutional', institutionalKinds);
    const item = rows.map((line) => institutionalItem(line));
    return {
      ...identity,
      status: standing(row, row.text('CLM_MDCR_NON_PMT_RSN_CD') === undefined ? 'paid' : 'denied'),
      ...processed(row),
      patient: patient(row),
      ...insurer(row, 'FI_NUM'),
      ...billing(row.code('ORG_NPI_NUM') ?? row.code('PRVDR_NUM')),
      ...careTeam(row, institutionalTeam),
      billablePeriod,
      diagnosis: diagnoses(row, billablePeriod.start),
      procedure: procedures(row, billablePeriod.start),
      ...supportingInfo(row, institutionalInfo),
      item,
      ...adjudication(row, institutionalAdjudication),
      total: amounts(row, { charge: 'CLM_TOT_CHRG_AMT', paid: 'CLM_PMT_AMT' }),
      ...source(rows, header, institutional),
    };
  },
};

const eventTeam: readonly Column[] = [{ name: 'PRSCRBR_ID', as: 'prescribing' }];
const eventInfo: readonly Column[] = [
  { name: 'DAYS_SUPLY_NUM', as: 'days-supply' },
  { name: 'FILL_NUM', as: 'refill-number' },
  { name: 'RX_SRVC_RFRNC_NUM', as: 'prescription-number' },
  { name: 'BRND_GNRC_CD', as: 'brand-generic' },
  { name: 'DAW_PROD_SLCTN_CD', as: 'dispense-as-written' },
  { name: 'CMPND_CD', as: 'compound' },
];
const eventAdjudication: readonly Column[] = [
  { name: 'NCVRD_PLAN_PD_AMT', as: 'noncovered' },
  { name: 'PLRO_AMT', as: 'priorpayerpaid' },
  { name: 'LICS_AMT', as: 'discount' },
];

/** A prescription drug event: a row is a claim of one item. */
const event: RifLayout = {
  number: 'PDE_ID',
  claim(rows, header) {
    const row = rows[0] as RifRow;
    const date = requiredDate(row, 'SRVC_DT');
    const total = amounts(row, {
      charge: 'TOT_RX_CST_AMT',
      paid: 'CVRD_D_PLAN_PD_AMT',
      patientResponsibility: 'PTNT_PAY_AMT',
    });
    const ndc = row.code('PROD_SRVC_ID');
    const quantity = row.decimal('QTY_DSPNSD_NUM');
    return {
      identifier: { system: pdeId, value: row.required('PDE_ID') },
      ...group(row),
      type: 'pharmacy',
      subType: 'pde',
      use: 'claim',
      status: standing(row, row.oneOf('ADJSTMT_DLTN_CD', eventStatus) ?? 'paid'),
      patient: patient(row),
      ...insurer(row, 'PLAN_CNTRCT_REC_ID'),
      ...billing(row.code('SRVC_PRVDR_ID')),
      ...careTeam(row, eventTeam),
      billablePeriod: { start: date, end: date },
      diagnosis: [],
      procedure: [],
      ...supportingInfo(row, eventInfo),
      item: [
        {
          sequence: 1,
          servicedPeriod: { start: date, end: date },
          ...(ndc && { productOrService: { system: codeSystems.ndc, code: ndc } }),
          ...(quantity && { quantity }),
          ...(total.charge && { charge: total.charge }),
          ...(total.paid && { paid: total.paid }),
        },
      ],
      ...adjudication(row, eventAdjudication),
      total,
      ...paidOn(row, 'PD_DT'),
      ...source(rows, header, event),
    };
  },
};

const professionalItemAdjudication: readonly Column[] = [
  { name: 'LINE_BENE_PMT_AMT', as: 'paidtopatient' },
  { name: 'LINE_PRVDR_PMT_AMT', as: 'paidtoprovider' },
  { name: 'LINE_BENE_PTB_DDCTBL_AMT', as: 'deductible' },
  { name: 'LINE_BENE_PRMRY_PYR_PD_AMT', as: 'priorpayerpaid' },
  { name: 'LINE_COINSRNC_AMT', as: 'coinsurance' },
];

function professionalItem(row: RifRow): Item {
  const diagnosis = row.code('LINE_ICD_DGNS_CD');
  // Mostly that of the claim's own diagnoses, which says it.
  if (row.peek('LINE_ICD_DGNS_VRSN_CD') === row.peek('PRNCPAL_DGNS_VRSN_CD')) row.text('LINE_ICD_DGNS_VRSN_CD');
  return {
    sequence: sequence(row, 'LINE_NUM'),
    ...serviced(row.date('LINE_1ST_EXPNS_DT'), row.date('LINE_LAST_EXPNS_DT')),
    ...service(row),
    ...present({
      location: row.code('LINE_PLACE_OF_SRVC_CD', 10),
      quantity: row.decimal('LINE_SRVC_CNT'),
      diagnosis: diagnosis ? [diagnosis] : undefined,
      provider: row.code('PRF_PHYSN_NPI', 100),
    }),
    ...amounts(row, { charge: 'LINE_SBMTD_CHRG_AMT', allowed: 'LINE_ALOWD_CHRG_AMT', paid: 'LINE_NCH_PMT_AMT' }),
    ...adjudication(row, professionalItemAdjudication),
  };
}

const institutionalItemAdjudication: readonly Column[] = [
  { name: 'REV_CNTR_PRVDR_PMT_AMT', as: 'paidtoprovider' },
  { name: 'REV_CNTR_BENE_PMT_AMT', as: 'paidtopatient' },
  { name: 'REV_CNTR_CASH_DDCTBL_AMT', as: 'deductible' },
  { name: 'REV_CNTR_COINSRNC_WGE_ADJSTD_C', as: 'coinsurance' },
  { name: 'REV_CNTR_PTNT_RSPNSBLTY_PMT', as: 'memberliability' },
  { name: 'REV_CNTR_1ST_MSP_PD_AMT', as: 'priorpayerpaid' },
  { name: 'REV_CNTR_NCVRD_CHRG_AMT', as: 'noncovered' },
];

function institutionalItem(row: RifRow): Item {
  const date = row.date('REV_CNTR_DT');
  return {
    sequence: sequence(row, 'CLM_LINE_NUM'),
    ...serviced(date, date),
    ...present({ revenue: row.code('REV_CNTR', 10) }),
    ...service(row),
    ...present({ quantity: row.decimal('REV_CNTR_UNIT_CNT'), provider: row.code('RNDRNG_PHYSN_NPI', 100) }),
    ...amounts(row, { charge: 'REV_CNTR_TOT_CHRG_AMT', paid: 'REV_CNTR_PMT_AMT_AMT' }),
    ...adjudication(row, institutionalItemAdjudication),
  };
}

const earlyOf = new WeakMap<RifHeader, ReadonlySet<number>>();

/** The places of columns of a line that stand before the line number: none where the columns are in CMS's order. */
export function earlyColumns(header: RifHeader, { line, lineColumns }: RifLayout): ReadonlySet<number> {
  let early = earlyOf.get(header);
  if (early === undefined) {
    const before = header.names.slice(0, line === undefined ? 0 : header.index(line));
    early = new Set(before.flatMap((name, place) => (lineColumns?.test(name) ? [place] : [])));
    earlyOf.set(header, early);
  }
  return early;
}

/** The columns that no field of the claim took, by their names; those of its lines under `lines`, by line number. */
function source(rows: RifRow[], header: RifHeader, layout: RifLayout): { source?: Record<string, unknown> } {
  const columns = header.names.length;
  const lineStart = layout.line === undefined ? columns : (header.index(layout.line) as number);
  const early = earlyColumns(header, layout);
  const claim = rows[0]?.untaken(0, lineStart);
  for (const column of early) delete claim?.[header.names[column] as string];
  const lines: Record<string, unknown> = {};
  for (const row of rows) {
    let rest = row.untaken(lineStart, columns);
    for (const column of early) {
      const one = row.untaken(column, column + 1);
      if (one) rest = { ...one, ...rest };
    }
    if (rest) lines[row.required(layout.line as string)] = rest;
  }
  const source = { ...claim, ...(Object.keys(lines).length > 0 && { lines }) };
  return Object.keys(source).length > 0 ? { source } : {};
}
