import { Fault } from '../../claims/render.ts';
import type { Gender } from '../../claims/schema.ts';
import { type Entry, type Format, Refusal, type Resume } from '../format.ts';
import type { InputFile } from '../input.ts';
import { type Line, readLines } from '../lines.ts';
import { firstLine } from './rif.ts';
import { beneId } from './rif-parts.ts';
import { columnAt, RifHeader, RifRow } from './rif-row.ts';

/** CMS beneficiary files, yearly or historical: birth date and sex of the patients of the claim files beside them. */
export const rifBeneficiary: Format = {
  name: 'rif-beneficiary',
  unit: 'line',
  rank: 0,
  detect: (head) => isHeader(new RifHeader(firstLine(head))),
  read: readPatients,
};

const isHeader = (header: RifHeader) =>
  ['BENE_ID', 'BENE_BIRTH_DT', 'BENE_SEX_IDENT_CD'].every((name) => header.has(name));

const sexes = new Map<string, Gender>([
  ['0', 'unknown'],
  ['1', 'male'],
  ['2', 'female'],
]);

async function* readPatients(file: InputFile, resume?: Resume): AsyncGenerator<Entry> {
  let header: RifHeader | undefined;
  for await (const [line] of readLines(file)) {
    header = new RifHeader((line as Line).text);
    break;
  }
  if (!header || !isHeader(header))
    throw new Refusal('expected a header line with BENE_ID, BENE_BIRTH_DT and BENE_SEX_IDENT_CD');
  for await (const lines of readLines(file, resume)) {
    for (const line of lines) {
      if (line.number === 1 || line.text === '') continue;
      yield { ...readPatient(line, header), resume: { offset: line.end, position: line.number } };
    }
  }
}

function readPatient(line: Line, header: RifHeader) {
  try {
    if (line.fault) throw new Fault(columnAt(header, line.text, line.fault.at) ?? 'BENE_ID', line.fault.reason);
    const row = new RifRow(header, line.text);
    const year = row.text('RFRNC_YR');
    if (year !== undefined && !/^\d{4}$/.test(year)) throw new Fault('RFRNC_YR', 'expected a year of four digits');
    return {
      patient: {
        system: beneId,
        id: row.required('BENE_ID'),
        birthDate: row.date('BENE_BIRTH_DT'),
        gender: row.oneOf('BENE_SEX_IDENT_CD', sexes),
        asOf: Number(year ?? 0),
      },
    };
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    return { reject: { position: line.number, field: error.field, reason: error.reason } };
  }
}
