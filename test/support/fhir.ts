import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Entry } from '../../src/ingest/format.ts';
import { detectFormat } from '../../src/ingest/formats/index.ts';
import { openInput, readHead } from '../../src/ingest/input.ts';
import { temporaryDirectory } from './files.ts';

/** A FHIR resource, with only what a claim needs. */
export const anEob = (overrides: object = {}) => ({
  resourceType: 'ExplanationOfBenefit',
  id: 'e1',
  identifier: [{ type: { coding: [{ code: 'uc' }] }, system: 'urn:payer', value: 'C1' }],
  status: 'active',
  outcome: 'complete',
  use: 'claim',
  type: { coding: [{ system: 'http://terminology.hl7.org/CodeSystem/claim-type', code: 'professional' }] },
  patient: { reference: 'Patient/p1' },
  provider: { identifier: { system: 'http://hl7.org/fhir/sid/us-npi', value: '1234567893' } },
  insurer: { reference: '#payer' },
  billablePeriod: { start: '2024-01-05', end: '2024-01-06' },
  diagnosis: [
    {
      sequence: 1,
      diagnosisCodeableConcept: { coding: [{ system: 'http://hl7.org/fhir/sid/icd-10-cm', code: 'E11.9' }] },
    },
  ],
  item: [
    {
      sequence: 1,
      servicedDate: '2024-01-05',
      diagnosisSequence: [1],
      productOrService: { coding: [{ system: 'http://www.ama-assn.org/go/cpt', code: '99213' }] },
      quantity: { value: 1 },
      adjudication: [
        { category: { coding: [{ code: 'submitted' }] }, amount: { value: 100.1 } },
        { category: { coding: [{ code: 'benefit' }] }, amount: { value: 80 } },
      ],
    },
  ],
  contained: [{ resourceType: 'Organization', id: 'payer', name: 'A Payer' }],
  ...overrides,
});

const directory = await temporaryDirectory();
let files = 0;

export async function temporaryFile(text: string): Promise<string> {
  files += 1;
  const path = join(directory, `${files}.json`);
  await writeFile(path, text);
  return path;
}

/** Every entry of a file of this text, and the format that it is taken for. */
export async function read(text: string) {
  const path = await temporaryFile(text);
  const format = detectFormat(await readHead(path));
  const entries: Entry[] = [];
  for await (const entry of format?.read(openInput(path)) ?? []) entries.push(entry);
  return { format: format?.name, entries };
}
export const claims = ({ entries }: { entries: Entry[] }) =>
  entries.flatMap((entry) => ('claim' in entry ? [entry.claim] : []));
export const rejects = ({ entries }: { entries: Entry[] }) =>
  entries.flatMap((entry) => ('reject' in entry ? [entry.reject] : []));
