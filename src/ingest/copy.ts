import type { ClaimRow } from '../claims/render.ts';
import { arrayLiteral } from '../db/array.ts';
import { ClaimKinds, type Countable, centsOrNone } from './totals.ts';

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
export interface StoredRow extends Countable {
  id: string;
  /** Hexadecimal. */
  hash: string;
  /** The first day of service, as of claims.service_date. */
  day: string;
  /** Of stagedColumns and the import, with its end. */
  line: Buffer;
}

const blockBytes = 1 << 20;
const mostBytesOfCharacter = 3;
/** As much as the batches that are under way take. */
const mostSpareBlocks = 48;
const spare: Buffer[] = [];

/**
 * Where the lines of a batch lie: in blocks, one behind the other, as an allocation of its own for each takes longer than
 * to write it. Blocks are used again, because the collector, which does not see how large they are, would leave a
 * hundred of them lying.
 */
export class RowStore {
  readonly #importId: string;
  readonly #blocks: Buffer[] = [];
  readonly #kinds = new ClaimKinds();
  #used = 0;

  constructor(importId: string) {
    this.#importId = importId;
  }

  add(row: ClaimRow): StoredRow {
    const line = this.#write(`${copyLine(row)}\t${this.#importId}\n`);
    return {
      id: row.id,
      hash: row.hash,
      day: row.serviceDate,
      line,
      kind: this.#kinds.of(row),
      charge: centsOrNone(row.charge),
      allowed: centsOrNone(row.allowed),
      paid: centsOrNone(row.paid),
    };
  }

  /** To be called when nobody needs the rows any more, and the database has them. */
  free(): void {
    for (const block of this.#blocks) {
      if (block.length === blockBytes && spare.length < mostSpareBlocks) spare.push(block);
    }
    this.#blocks.length = 0;
  }

  #write(text: string): Buffer {
    const most = text.length * mostBytesOfCharacter;
    let block = this.#blocks.at(-1);
    if (block === undefined || most > block.length - this.#used) {
      block = (most <= blockBytes ? spare.pop() : undefined) ?? Buffer.allocUnsafeSlow(Math.max(blockBytes, most));
      this.#blocks.push(block);
      this.#used = 0;
    }
    const start = this.#used;
    this.#used += block.write(text, start);
    return block.subarray(start, this.#used);
  }
}

/** Document and source, back from the line. */
export function storedText({ line }: StoredRow): { document: string; source: string | null } {
  const cells = line.toString('utf8').split('\t');
  const cell = (name: string) => cells[columns.indexOf(name)] as string;
  const source = cell('source');
  return { document: unescaped(cell('document')), source: source === '\\N' ? null : unescaped(source) };
}

const pieceBytes = 1 << 18;
/** While others come first: PostgreSQL waits for each of them, and so leaves its processor to others in between. */
const smallPieceBytes = 4 << 10;

/**
 * In the order of their days: what a list shows on a page, claims of one day in the order in which they came, then lies in
 * a few pages of the table, not in 25.
 */
export const byDay = (rows: StoredRow[]) => rows.toSorted((a, b) => (a.day < b.day ? -1 : Number(a.day > b.day)));

/** The lines of these rows in pieces, small ones while it is to give way, each of which is good until the next is made. */
export function* linesOf(rows: StoredRow[], givesWay: () => boolean): Generator<Buffer> {
  const piece = Buffer.allocUnsafeSlow(pieceBytes);
  let used = 0;
  for (const { line } of rows) {
    if (used > 0 && line.length > (givesWay() ? smallPieceBytes : pieceBytes) - used) {
      yield piece.subarray(0, used);
      used = 0;
    }
    if (line.length > pieceBytes) yield line;
    else used += line.copy(piece, used);
  }
  if (used > 0) yield piece.subarray(0, used);
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

const array = (values: string[]) => text(arrayLiteral(values));
