import type { Format } from '../format.ts';
import { csvClaims } from './csv-claims.ts';
import { desynpuf, desynpufBeneficiary } from './desynpuf.ts';
import { fhir, fhirNdjson } from './fhir.ts';
import { json, ndjson } from './json.ts';
import { rif } from './rif.ts';
import { rifBeneficiary } from './rif-beneficiary.ts';
import { sqlite } from './sqlite.ts';
import { syntheaClaims, syntheaTransactions } from './synthea.ts';
import { x12 } from './x12.ts';

/** Every format, in the order in which a file is tried for them. */
export const formats: readonly Format[] = [
  sqlite,
  ...x12,
  rifBeneficiary,
  rif,
  fhirNdjson,
  fhir,
  ndjson,
  json,
  desynpufBeneficiary,
  desynpuf,
  syntheaClaims,
  syntheaTransactions,
  csvClaims,
];

export function detectFormat(head: Buffer): Format | undefined {
  return formats.find((format) => format.detect(head));
}
