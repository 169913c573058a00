import { csvHeader, readCsv } from '../csv.ts';
import type { Entry, Format, Resume } from '../format.ts';
import type { InputFile } from '../input.ts';
import { firstLine } from './rif.ts';
import { holdsClaims, type RowReader, tableReader } from './table.ts';
import { areOfClaims } from './tabular.ts';

/** A CSV file of claims, a record a claim: one that claims export wrote, or any other whose columns are known by name. */
export const csvClaims: Format = {
  name: 'csv',
  unit: 'record',
  rank: 1,
  detect: (head) => {
    const header = csvHeader(firstLine(head));
    return header !== undefined && (areOfClaims(header.names) || isExport(header.names));
  },
  read: readRecords,
};

const isExport = (names: readonly string[]) => names.includes('claim') && names.includes('identifier_value');

/** The source system of the claims' numbers, unless the import names another. */
const system = 'claims.csv';

async function* readRecords(file: InputFile, resume?: Resume): AsyncGenerator<Entry> {
  let readRow: RowReader | undefined;
  for await (const { names, record } of readCsv(file)) {
    if (readRow === undefined) {
      if (isExport(names)) holdsClaims(names);
      readRow = tableReader(names, file.source ?? system);
    }
    // Quotes part records, so a place in the middle cannot be gone to: what was read before is passed over.
    if (resume && record.number <= resume.position) continue;
    const { fields, number, fault } = record;
    const read =
      fault === undefined ? readRow(fields, number) : { reject: { position: number, field: 'record', reason: fault } };
    yield { ...read, resume: { offset: 0, position: number } };
  }
}
