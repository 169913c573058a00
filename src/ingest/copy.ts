import type { ClaimRow } from '../claims/render.ts';

/** The columns of a staged claim, in the order of copyLine. */
export const stagedColumns =
  'id, identifier_system, identifier_value, type, sub_type, status, patient_id, provider_id, payer_id, service_date, ' +
  'service_date_end, charge, allowed, paid, patient_responsibility, diagnoses, procedures, document, source, hash, ' +
  'payer_claim_number, message';
const columns = stagedColumns.split(', ');

/**
 * A row as it waits to be copied. The line lies outside of the heap: thousands of rows there would cost the collector more
 * than their claims cost the parser.
 */
export interface StoredRow {
  id: string;
  /** Hexadecimal. */
  hash: string;
  /** Of stagedColumns and the import, with its end. */
  line: Buffer;
}

export function storedRow(row: ClaimRow, importId: string): StoredRow {
  return { id: row.id, hash: row.hash, line: bytesOf(`${copyLine(row)}\t${importId}\n`) };
}

/** Document and source, back from the line. */
export function storedText({ line }: StoredRow): { document: string; source: string | null } {
  const cells = line.toString('utf8').split('\t');
  const cell = (name: string) => cells[columns.indexOf(name)] as string;
  const source = cell('source');
  return { document: unescaped(cell('document')), source: source === '\\N' ? null : unescaped(source) };
}

/** The lines of these rows: those that lie one behind the other as one piece, which costs no copy. */
export function joined(rows: StoredRow[]): Buffer[] {
  const pieces: Buffer[] = [];
  let first: Buffer | undefined;
  let end = 0;
  const finish = () => {
    if (first) pieces.push(Buffer.from(first.buffer as ArrayBuffer, first.byteOffset, end - first.byteOffset));
  };
  for (const { line } of rows) {
    if (line.buffer !== first?.buffer || line.byteOffset !== end) {
      finish();
      first = line;
    }
    end = line.byteOffset + line.length;
  }
  finish();
  return pieces;
}

/** Lines lie in blocks one behind the other, as an allocation of its own for each takes longer than to write it. */
const blockBytes = 1 << 20;
const mostBytesOfCharacter = 3;
let block = Buffer.alloc(0);
let used = 0;

function bytesOf(text: string): Buffer {
  if (text.length * mostBytesOfCharacter > block.length - used) {
    block = Buffer.allocUnsafeSlow(Math.max(blockBytes, text.length * mostBytesOfCharacter));
    used = 0;
  }
  const start = used;
  used += block.write(text, start);
  return block.subarray(start, used);
}

/** A row of PostgreSQL's text COPY format, without its end. */
function copyLine(row: ClaimRow): string {
  return `${row.id}\t${text(row.identifierSystem)}\t${text(row.identifierValue)}\t${row.type}\t${text(row.subType)}\t${row.status}\t${text(row.patientId)}\t${text(row.providerId)}\t${text(row.payerId)}\t${row.serviceDate}\t${row.serviceDateEnd}\t${text(row.charge)}\t${text(row.allowed)}\t${text(row.paid)}\t${text(row.patientResponsibility)}\t${array(row.diagnoses)}\t${array(row.procedures)}\t${text(row.document)}\t${text(row.source)}\t\\\\x${row.hash}\t${text(row.payerClaimNumber)}\t${text(row.message)}`;
}

const special = /[\\\t\n\r]/;
const escapes: Record<string, string> = { '\\': '\\\\', '\t': '\\t', '\n': '\\n', '\r': '\\r' };
const characters: Record<string, string> = { t: '\t', n: '\n', r: '\r' };

const unescaped = (text: string) => text.replace(/\\(.)/g, (_, name: string) => characters[name] ?? name);

function text(value: string | undefined): string {
  if (value === undefined) return '\\N';
  return special.test(value) ? value.replace(/[\\\t\n\r]/g, (found) => escapes[found] as string) : value;
}

function array(values: string[]): string {
  return text(`{${values.map((value) => `"${value.replace(/["\\]/g, '\\$&')}"`).join(',')}}`);
}
