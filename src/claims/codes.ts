/** The code systems of a claim, by the short names that its documents carry. */
export const codeSystems = {
  diagnosis10: 'ICD-10-CM',
  diagnosis9: 'ICD-9-CM',
  procedure10: 'ICD-10-PCS',
  procedure9: 'ICD-9-PCS',
  /** Level I is CPT, level II the national codes. */
  hcpcs: 'HCPCS',
  ndc: 'NDC',
  drg: 'MS-DRG',
  nubc: 'NUBC',
} as const;

/** The day from which HIPAA transactions carry ICD-10 (45 CFR 162.1002): what a code without a version is taken for. */
const icd10Since = '2015-10-01';

export function diagnosisSystemOn(serviceDate: string): string {
  return serviceDate < icd10Since ? codeSystems.diagnosis9 : codeSystems.diagnosis10;
}

/** A code as it is searched: sources write E11.9, E119 and e11.9. */
export function searchCode(code: string): string {
  return code.replaceAll('.', '').toUpperCase();
}
