import { codeSystems, diagnosisSystemOn } from '../../claims/codes.ts';
import type { Claim } from '../../claims/schema.ts';
import type { RifRow } from './rif-row.ts';

const numbered = (prefix: string, count: number) =>
  Array.from({ length: count }, (_, index) => `${prefix}${index + 1}`);

/** Each diagnosis column with its version and present-on-admission columns, in the order that makes the sequence. */
const diagnosisColumns: [code: string, version: string, type?: string, onAdmission?: string][] = [
  ...numbered('', 25).map((n) => [`ICD_DGNS_CD${n}`, `ICD_DGNS_VRSN_CD${n}`, undefined, `CLM_POA_IND_SW${n}`] as never),
  ['PRNCPAL_DGNS_CD', 'PRNCPAL_DGNS_VRSN_CD', 'principal'],
  ['ADMTG_DGNS_CD', 'ADMTG_DGNS_VRSN_CD', 'admitting'],
  ...numbered('', 3).map((n) => [`RSN_VISIT_CD${n}`, `RSN_VISIT_VRSN_CD${n}`, 'patientreasonforvisit'] as never),
  ['FST_DGNS_E_CD', 'FST_DGNS_E_VRSN_CD', 'externalcauseofinjury'],
  ...numbered('', 12).map(
    (n) => [`ICD_DGNS_E_CD${n}`, `ICD_DGNS_E_VRSN_CD${n}`, 'externalcauseofinjury', `CLM_E_POA_IND_SW${n}`] as never,
  ),
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
  for (const [column, version, type, onAdmissionColumn] of diagnosisColumns) {
    const code = row.code(column);
    if (code === undefined) continue;
    const system = row.oneOf(version, diagnosisVersions) ?? diagnosisSystemOn(serviceDate);
    const onAdmission = onAdmissionColumn && row.code(onAdmissionColumn, 10);
    const same =
      type && list.find((known) => known.code === code && known.system === system && (known.type ?? type) === type);
    if (type && same) {
      // In the order of the schema, which saves the claim a copy.
      const { sequence, onAdmission: known } = same;
      list[sequence - 1] = { sequence, type, system, code, ...(known && { onAdmission: known }) };
    } else {
      list.push({
        sequence: list.length + 1,
        ...(type && { type }),
        system,
        code,
        ...(onAdmission && { onAdmission }),
      });
    }
  }
  return list;
}

const procedureColumns = numbered('', 25).map(
  (n) => [`ICD_PRCDR_CD${n}`, `ICD_PRCDR_VRSN_CD${n}`, `PRCDR_DT${n}`] as const,
);
const procedureVersions = new Map<string, string>([
  ['0', codeSystems.procedure10],
  ['9', codeSystems.procedure9],
]);

export function procedures(row: RifRow, serviceDate: string): Claim['procedure'] {
  const list: Claim['procedure'] = [];
  for (const [column, version, dateColumn] of procedureColumns) {
    const code = row.code(column);
    if (code === undefined) continue;
    const byDate = diagnosisSystemOn(serviceDate) === codeSystems.diagnosis9 ? '9' : '0';
    const system = row.oneOf(version, procedureVersions) ?? (procedureVersions.get(byDate) as string);
    const date = row.date(dateColumn);
    list.push({ sequence: list.length + 1, system, code, ...(date && { date }) });
  }
  return list;
}
