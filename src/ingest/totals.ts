import { fromCents } from '../claims/amount.ts';
import type { ClaimRow } from '../claims/render.ts';
import type { TotalChange } from './total-queries.ts';

/** What claims are counted by: the key of claim_totals. */
export type ClaimKind = Pick<TotalChange, 'month' | 'type' | 'subType' | 'status' | 'payerId'>;

/** What a row adds to the totals of its kind; amounts in cents, 0 where the claim has none. */
export interface Countable {
  kind: ClaimKind;
  charge: number;
  allowed: number;
  paid: number;
}

/** The kinds of the claims of a batch: a few hundred objects that its thousands of rows share. */
export class ClaimKinds {
  readonly #kinds = new Map<string, ClaimKind>();

  of({ serviceDate, type, subType, status, payerId }: ClaimRow): ClaimKind {
    const month = serviceDate.slice(0, 7);
    // Empty texts do not occur, nor NUL in any.
    const key = `${month}\0${type}\0${status}\0${subType ?? ''}\0${payerId ?? ''}`;
    let kind = this.#kinds.get(key);
    if (kind === undefined) {
      kind = { month: `${month}-01`, type, subType, status, payerId };
      this.#kinds.set(key, kind);
    }
    return kind;
  }
}

/**
 * What new claims add to the totals. Counted here, while their rows are at hand: PostgreSQL would have to read them again,
 * each by its key. Takes a microsecond a claim, and half of one to insert, of the seventy that its import takes.
 */
export class AddedTotals {
  readonly #sums = new Map<ClaimKind, { claims: number; charge: Sum; allowed: Sum; paid: Sum }>();

  add(rows: Countable[]): void {
    for (const { kind, charge, allowed, paid } of rows) {
      let sums = this.#sums.get(kind);
      if (sums === undefined) {
        sums = { claims: 0, charge: new Sum(), allowed: new Sum(), paid: new Sum() };
        this.#sums.set(kind, sums);
      }
      sums.claims += 1;
      sums.charge.add(charge);
      sums.allowed.add(allowed);
      sums.paid.add(paid);
    }
  }

  changes(): TotalChange[] {
    return [...this.#sums].map(([kind, { claims, charge, allowed, paid }]) => ({
      ...kind,
      claims,
      charge: charge.toString(),
      allowed: allowed.toString(),
      paid: paid.toString(),
    }));
  }
}

/** An exact sum of cents. An amount is a safe integer, a hundred of the largest are not: they are carried over. */
class Sum {
  #carried = 0n;
  #cents = 0;

  add(cents: number): void {
    const sum = this.#cents + cents;
    if (Number.isSafeInteger(sum)) this.#cents = sum;
    else {
      this.#carried += BigInt(this.#cents);
      this.#cents = cents;
    }
  }

  toString(): string {
    return fromCents(this.#carried + BigInt(this.#cents));
  }
}
