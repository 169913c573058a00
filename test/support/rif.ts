/** Rows of a CMS carrier file, with the columns that matter. */

const columns = [
  'DML_IND',
  'BENE_ID',
  'CLM_ID',
  'NCH_CLM_TYPE_CD',
  'CLM_FROM_DT',
  'CLM_THRU_DT',
  'CARR_NUM',
  'CARR_CLM_PMT_DNL_CD',
  'CLM_PMT_AMT',
  'NCH_CARR_CLM_SBMTD_CHRG_AMT',
  'PRNCPAL_DGNS_CD',
  'PRNCPAL_DGNS_VRSN_CD',
  'CARR_CLM_CNTL_NUM',
  'CLM_GRP_ID',
  'FINAL_ACTION',
  'CARR_CLM_ENTRY_CD',
  'CLM_DISP_CD',
  'LINE_NUM',
  'PRF_PHYSN_NPI',
  'HCPCS_CD',
  'LINE_NCH_PMT_AMT',
  'LINE_SBMTD_CHRG_AMT',
] as const;

export type RifColumn = (typeof columns)[number];

const defaults: Record<RifColumn, string> = {
  DML_IND: 'INSERT',
  BENE_ID: '-1',
  CLM_ID: '-100',
  NCH_CLM_TYPE_CD: '71',
  CLM_FROM_DT: '18-Mar-2018',
  CLM_THRU_DT: '18-Mar-2018',
  CLM_GRP_ID: '',
  FINAL_ACTION: '',
  CARR_CLM_ENTRY_CD: '',
  CLM_DISP_CD: '',
  CARR_NUM: '31143',
  CARR_CLM_PMT_DNL_CD: '1',
  CLM_PMT_AMT: '80.00',
  NCH_CARR_CLM_SBMTD_CHRG_AMT: '100.00',
  PRNCPAL_DGNS_CD: 'I4891',
  PRNCPAL_DGNS_VRSN_CD: '0',
  CARR_CLM_CNTL_NUM: '-7',
  LINE_NUM: '1',
  PRF_PHYSN_NPI: '9999283093',
  HCPCS_CD: '99213',
  LINE_NCH_PMT_AMT: '80.00',
  LINE_SBMTD_CHRG_AMT: '100.00',
};

export const carrierHeader = columns.join('|');

export function carrierRow(fields: Partial<Record<RifColumn, string>> = {}): string {
  return columns.map((column) => fields[column] ?? defaults[column]).join('|');
}

export function carrierFile(rows: string[]): string {
  return `${[carrierHeader, ...rows].join('\n')}\n`;
}

/** A file of one-line claims, numbered from -1 downwards. */
export function carrierClaims(
  count: number,
  fields: (index: number) => Partial<Record<RifColumn, string>> = () => ({}),
): string {
  return carrierFile(
    Array.from({ length: count }, (_, index) => carrierRow({ CLM_ID: `-${index + 1}`, ...fields(index) })),
  );
}
