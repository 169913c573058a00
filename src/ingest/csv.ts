import { pipeline, Readable } from 'node:stream';
import { CsvError, parse } from 'csv-parse';
import { Refusal } from './format.ts';
import type { InputFile } from './input.ts';
import { maxLineBytes } from './lines.ts';

export interface CsvRecord {
  fields: string[];
  /** From 1; the header is not counted. */
  number: number;
  /** Why the fields are not to be read. */
  fault?: string;
}

const delimiters = [',', ';', '\t', '|'];

/** The names in a header line, or undefined where no delimiter parts the line. */
export function csvHeader(line: string): { names: string[]; delimiter: string } | undefined {
  const counts = delimiters.map((delimiter) => line.split(delimiter).length);
  const most = Math.max(...counts);
  if (most < 2) return undefined;
  const delimiter = delimiters[counts.indexOf(most)] as string;
  const names = line.split(delimiter).map((name) =>
    name
      .trim()
      .replace(/^"(.*)"$/s, '$1')
      .replaceAll('""', '"'),
  );
  return { names, delimiter };
}

/**
 * The header's names, then the records, of a CSV file (RFC 4180) whose delimiter is the one that parts its first line
 * most. Throws Refusal where quotes make the rest unreadable.
 */
export async function* readCsv(file: InputFile): AsyncGenerator<{ names: string[]; record: CsvRecord }> {
  const first = await firstLine(file);
  const header = csvHeader(first);
  if (header === undefined) throw new Refusal('expected a header line of column names, parted by commas');
  const parser = parse({
    bom: true,
    delimiter: header.delimiter,
    relaxColumnCount: true,
    skipEmptyLines: true,
    maxRecordSize: maxLineBytes,
    // An error that ends the stream takes with it the records before it that nobody took out yet.
    skipRecordsWithError: true,
    onSkip: (error) => {
      if (error) parser.push(error);
    },
  });
  pipeline(Readable.from(file.bytes()), parser, () => {});
  let names: string[] | undefined;
  let number = 0;
  try {
    for await (const fields of parser as AsyncIterable<string[] | CsvError>) {
      if (fields instanceof CsvError) throw fields;
      if (names === undefined) {
        names = fields.map((name) => name.trim());
        continue;
      }
      number += 1;
      const fault = faultOf(fields, names);
      yield { names, record: { fields, number, ...(fault && { fault }) } };
    }
  } catch (error) {
    const { code } = error as { code?: string };
    if (!code?.startsWith('CSV_')) throw error;
    throw new Refusal(`expected quotes as in RFC 4180, found others in or behind record ${number + 1} (${code})`);
  }
}

function faultOf(fields: string[], names: string[]): string | undefined {
  if (fields.length !== names.length) return `expected a record of ${names.length} fields, found ${fields.length}`;
  if (fields.some((field) => field.includes('\ufffd'))) return 'expected UTF-8, found bytes that are not';
  return fields.some((field) => field.includes('\0')) ? 'expected text, found a NUL byte' : undefined;
}

async function firstLine(file: InputFile): Promise<string> {
  let text = '';
  for await (const chunk of file.bytes()) {
    text += chunk.toString('latin1');
    if (text.includes('\n') || text.length > maxLineBytes) break;
  }
  return text.replace(/^\xef\xbb\xbf/, '').split(/\r?\n/, 1)[0] as string;
}
