import { codeSystems, diagnosisSystemOn } from '../../claims/codes.ts';
import type { Claim } from '../../claims/schema.ts';
import type { RifRow } from './rif-row.ts';

/** The column of a code, with those of its version and of whether it was present on admission. */
interface DiagnosisColumns {
  code: string;
  version: string;
  type?: string;
  onAdmission?: string;
}

const numbered = <T>(count: number, columns: (n: number) => T) =>
  Array.from({ length: count }, (_, index) => columns(index + 1));

/** In the order that makes the sequence. */
const diagnosisColumns: DiagnosisColumns[] = [
  ...numbered(25, (n) => ({
    code: `ICD_DGNS_CD${n}`,
    version: `ICD_DGNS_VRSN_CD${n}`,
    onAdmission: `CLM_POA_IND_SW${n}`,
  })),
  { code: 'PRNCPAL_DGNS_CD', version: 'PRNCPAL_DGNS_VRSN_CD', type: 'principal' },
  { code: 'ADMTG_DGNS_CD', version: 'ADMTG_DGNS_VRSN_CD', type: 'admitting' },
  ...numbered(3, (n) => ({
    code: `RSN_VISIT_CD${n}`,
    version: `RSN_VISIT_VRSN_CD${n}`,
    type: 'patientreasonforvisit',
  })),
  { code: 'FST_DGNS_E_CD', version: 'FST_DGNS_E_VRSN_CD', type: 'externalcauseofinjury' },
  ...numbered(12, (n) => ({
    code: `ICD_DGNS_E_CD${n}`,
    version: `ICD_DGNS_E_VRSN_CD${n}`,
    type: 'externalcauseofinjury',
    onAdmission: `CLM_E_POA_IND_SW${n}`,
  })),
];
const diagnosisVersions = new Map<string, string>([
  ['0', codeSystems.diagnosis10],
  ['9', codeSystems.diagnosis9],
]);

/**
 * The principal diagnosis and the first external cause are repeated among the numbered ones: each is listed once, with
 * its type.
 */
export function diagnoses(row: RifRow, serviceDate: string): Claim['diagnosis'] {
  const list: Claim['diagnosis'] = [];
  for (const columns of diagnosisColumns) {
    const code = row.code(columns.code);
    if (code === undefined) continue;
    const { type } = columns;
    const system = row.oneOf(columns.version, diagnosisVersions) ?? diagnosisSystemOn(serviceDate);
    const onAdmission = columns.onAdmission && row.code(columns.onAdmission, 10);
    if (type && addType(list, type, system, code)) continue;
    const sequence = list.length + 1;
    const diagnosis: Claim['diagnosis'][number] = type ? { sequence, type, system, code } : { sequence, system, code };
    if (onAdmission) diagnosis.onAdmission = onAdmission;
    list.push(diagnosis);
  }
  return list;
}

/** Gives a diagnosis that is listed its type; false where it is not, or has another. */
function addType(list: Claim['diagnosis'], type: string, system: string, code: string): boolean {
  const same = list.find((known) => known.code === code && known.system === system && (known.type ?? type) === type);
  if (same === undefined) return false;
  // In the order of the schema, which saves the claim a copy.
  const { sequence, onAdmission } = same;
  list[sequence - 1] = { sequence, type, system, code, ...(onAdmission && { onAdmission }) };
  return true;
}

const procedureColumns = numbered(25, (n) => ({
  code: `ICD_PRCDR_CD${n}`,
  version: `ICD_PRCDR_VRSN_CD${n}`,
  date: `PRCDR_DT${n}`,
}));
const procedureVersions = new Map<string, string>([
  ['0', codeSystems.procedure10],
  ['9', codeSystems.procedure9],
]);

export function procedures(row: RifRow, serviceDate: string): Claim['procedure'] {
  const list: Claim['procedure'] = [];
  for (const columns of procedureColumns) {
    const code = row.code(columns.code);
    if (code === undefined) continue;
    const byDate = diagnosisSystemOn(serviceDate) === codeSystems.diagnosis9 ? '9' : '0';
    const system = row.oneOf(columns.version, procedureVersions) ?? (procedureVersions.get(byDate) as string);
    const date = row.date(columns.date);
    list.push({ sequence: list.length + 1, system, code, ...(date && { date }) });
  }
  return list;
}
