import { centsOf } from '../claims/amount.ts';
import type { ClaimRow } from '../claims/render.ts';
import { copyHeader, copyTrailer, TupleStore, textField } from '../db/tuples.ts';
import { ClaimKinds, type Countable } from './totals.ts';

/** The columns of a staged claim, in the order in which RowStore writes them. */
export const stagedColumns =
  'id, identifier_system, identifier_value, type, sub_type, status, patient_id, provider_id, payer_id, service_date, ' +
  'service_date_end, charge, allowed, paid, patient_responsibility, diagnoses, procedures, document, source, hash, ' +
  'payer_claim_number, message';
const columns = stagedColumns.split(', ');

/**
 * A row as it waits to be copied. The tuple lies outside of the heap: thousands of rows there would cost the collector
 * more than their claims cost the parser.
 */
export interface StoredRow extends Countable {
  id: string;
  /** Hexadecimal. */
  hash: string;
  /** The first day of service, as of claims.service_date. */
  day: string;
  /** Of stagedColumns and the import. */
  tuple: Buffer;
}

/** Where the rows of a batch lie. */
export class RowStore {
  readonly #importId: string;
  readonly #tuples = new TupleStore();
  readonly #kinds = new ClaimKinds();

  constructor(importId: string) {
    this.#importId = importId;
  }

  add(row: ClaimRow): StoredRow {
    const charge = centsOrNone(row.charge);
    const allowed = centsOrNone(row.allowed);
    const paid = centsOrNone(row.paid);
    const tuples = this.#tuples;
    tuples.begin(columns.length + 1);
    tuples.hexadecimal(row.id);
    tuples.text(row.identifierSystem);
    tuples.text(row.identifierValue);
    tuples.text(row.type);
    tuples.text(row.subType);
    tuples.text(row.status);
    tuples.text(row.patientId);
    tuples.text(row.providerId);
    tuples.text(row.payerId);
    tuples.date(row.serviceDate);
    tuples.date(row.serviceDateEnd);
    tuples.amount(charge);
    tuples.amount(allowed);
    tuples.amount(paid);
    tuples.amount(centsOrNone(row.patientResponsibility));
    tuples.textArray(row.diagnoses);
    tuples.textArray(row.procedures);
    tuples.text(row.document);
    tuples.text(row.source);
    tuples.hexadecimal(row.hash);
    tuples.text(row.payerClaimNumber);
    tuples.text(row.message);
    tuples.hexadecimal(this.#importId);
    return {
      id: row.id,
      hash: row.hash,
      day: row.serviceDate,
      tuple: tuples.end(),
      kind: this.#kinds.of(row),
      charge: charge ?? 0,
      allowed: allowed ?? 0,
      paid: paid ?? 0,
    };
  }

  /** To be called when nobody needs the rows any more, and the database has them. */
  free(): void {
    this.#tuples.free();
  }
}

const centsOrNone = (amount: string | undefined) => (amount === undefined ? undefined : centsOf(amount));

const [documentAt, sourceAt] = [columns.indexOf('document'), columns.indexOf('source')];

/** Document and source, back from the tuple. */
export const storedText = ({ tuple }: StoredRow) => ({
  document: textField(tuple, documentAt) as string,
  source: textField(tuple, sourceAt),
});

const pieceBytes = 1 << 18;
/** While others come first: PostgreSQL waits for each of them, and so leaves its processor to others in between. */
const smallPieceBytes = 4 << 10;

/**
 * In the order of their days: what a list shows on a page, claims of one day in the order in which they came, then lies in
 * a few pages of the table, not in 25. By their days first: a sort of all rows kept the database waiting four times as long.
 */
export const byDay = (rows: StoredRow[]) =>
  [...Map.groupBy(rows, ({ day }) => day)].sort(([a], [b]) => (a < b ? -1 : 1)).flatMap(([, ofDay]) => ofDay);

/**
 * What a COPY of these rows is sent, in pieces, small ones while it is to give way, each of which is good until the next
 * is made.
 */
export function* copyData(rows: StoredRow[], givesWay: () => boolean): Generator<Buffer> {
  const parts = [copyHeader, ...rows.map(({ tuple }) => tuple), copyTrailer];
  const bytes = parts.reduce((sum, { length }) => sum + length, 0);
  const piece = Buffer.allocUnsafeSlow(Math.min(bytes, pieceBytes));
  let used = 0;
  for (const part of parts) {
    if (used > 0 && part.length > (givesWay() ? smallPieceBytes : pieceBytes) - used) {
      yield piece.subarray(0, used);
      used = 0;
    }
    if (part.length > pieceBytes) yield part;
    else used += part.copy(piece, used);
  }
  yield piece.subarray(0, used);
}
