import { once } from 'node:events';
import type { Writable } from 'node:stream';
import { withSource } from '../claims/render.ts';
import type { Connection } from '../db/client.ts';
import { claimColumn, codeSeparator, flatColumns, guardFormula } from './columns.ts';

const rowsAtOnce = 500;

/** A claim as it goes out: its flat cells in their order, and the whole claim as JSON. */
export interface ExportedClaim {
  cells: string[];
  claim: string;
}

interface Row {
  cells: string[];
  diagnoses: string[];
  procedures: string[];
  document: string;
  source: string | null;
}

/** All claims in the order of their ids, as the database stood when the first was read. */
export async function* exportedClaims(sql: Connection): AsyncGenerator<ExportedClaim> {
  await sql`begin isolation level repeatable read read only`;
  try {
    const rows = sql<Row[]>`
      select to_json(array[id::text, identifier_system, identifier_value, type, coalesce(sub_type, ''), status, patient_id,
        coalesce(provider_id, ''), coalesce(payer_id, ''), service_date::text, service_date_end::text,
        coalesce(charge::text, ''), coalesce(allowed::text, ''), coalesce(paid::text, ''),
        coalesce(patient_responsibility::text, '')]) as cells,
        to_json(diagnoses) as diagnoses, to_json(procedures) as procedures, document, source
      from claims order by id`.cursor(rowsAtOnce);
    for await (const page of rows) {
      for (const { cells, diagnoses, procedures, document, source } of page) {
        yield {
          cells: [...cells, diagnoses.join(codeSeparator), procedures.join(codeSeparator)],
          claim: withSource(document, source),
        };
      }
    }
  } finally {
    await sql`rollback`;
  }
}

export const textFormats = ['ndjson', 'json', 'csv'] as const;
export type TextFormat = (typeof textFormats)[number];

/** Writes claims as text, no faster than it is taken. Returns how many there were. */
export async function writeText(
  claims: AsyncIterable<ExportedClaim>,
  format: TextFormat,
  into: Writable,
): Promise<number> {
  let count = 0;
  let waiting = '';
  const flush = async () => {
    const text = waiting;
    waiting = '';
    if (!into.write(text)) await once(into, 'drain');
  };
  if (format === 'csv') waiting = csvLine([...flatColumns, claimColumn]);
  if (format === 'json') waiting = '[\n';
  for await (const { cells, claim } of claims) {
    if (format === 'csv') {
      waiting += csvLine([...cells.map((cell, place) => guardFormula(flatColumns[place] as string, cell)), claim]);
    } else if (format === 'json') waiting += `${count > 0 ? ',\n' : ''}${claim}`;
    else waiting += `${claim}\n`;
    count += 1;
    if (waiting.length > 1 << 16) await flush();
  }
  if (format === 'json') waiting += '\n]\n';
  await flush();
  return count;
}

/** RFC 4180, with the line end of Unix. */
function csvLine(cells: string[]): string {
  return `${cells.map((cell) => (/[",\r\n]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell)).join(',')}\n`;
}
