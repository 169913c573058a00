import { parseAmount } from '../../claims/amount.ts';
import { calendarDate } from '../../claims/date.ts';
import { Fault } from '../../claims/render.ts';
import { Refusal } from '../format.ts';

/** A record whose columns are taken by name, whatever the case of it; what nobody took remains for `source`. */
export class CsvRow {
  readonly #names: ReadonlyMap<string, number>;
  readonly #fields: string[];
  readonly #taken = new Set<number>();

  constructor(names: ReadonlyMap<string, number>, fields: string[]) {
    this.#names = names;
    this.#fields = fields;
  }

  /** Undefined where there is no such column or the field is blank. */
  text(name: string, maxLength = 100): string | undefined {
    const index = this.#names.get(name);
    const value = index === undefined ? undefined : this.#fields[index]?.trim();
    if (!value || index === undefined) return undefined;
    if (value.length > maxLength)
      throw new Fault(name, `expected at most ${maxLength} characters, found ${value.length}`);
    this.#taken.add(index);
    return value;
  }

  /** Without taking it. */
  peek(name: string): string | undefined {
    return this.#fields[this.#names.get(name) ?? -1]?.trim();
  }

  required(name: string): string {
    const value = this.text(name);
    if (value === undefined) throw new Fault(name, 'expected a value, found none');
    return value;
  }

  /** US dollars, canonical. */
  amount(name: string): string | undefined {
    const value = this.text(name);
    if (value === undefined) return undefined;
    const amount = parseAmount(value);
    if (amount === undefined) {
      throw new Fault(name, 'expected dollars and cents, such as 1234.50, with at most 12 digits before the point');
    }
    return amount;
  }

  /** A day as yyyymmdd, or as yyyy-mm-dd with or without a time behind it. */
  date(name: string): string | undefined {
    const value = this.text(name);
    if (value === undefined) return undefined;
    const [, year, month, day] = /^(\d{4})-?(\d{2})-?(\d{2})(?:[T ].*)?$/.exec(value) ?? [];
    const date = calendarDate(Number(year), Number(month), Number(day));
    if (date === undefined) throw new Fault(name, 'expected a day of the calendar as yyyymmdd or yyyy-mm-dd');
    // A claim has days; a time of day is kept where the other columns are.
    if (/[T ].*[1-9]/.test(value)) this.leave(name);
    return date;
  }

  requiredDate(name: string): string {
    const date = this.date(name);
    if (date === undefined) throw new Fault(name, 'expected a day, found none');
    return date;
  }

  decimal(name: string): string | undefined {
    const value = this.text(name, 30);
    if (value !== undefined && !/^-?\d{1,15}(\.\d{1,6})?$/.test(value)) throw new Fault(name, 'expected a number');
    return value;
  }

  /** What was taken of these columns does not say all that they say. */
  leave(...names: string[]): void {
    for (const name of names) this.#taken.delete(this.#names.get(name) as number);
  }

  /** The columns that hold something and that nobody took. */
  untaken(): Record<string, string> | undefined {
    const rest: Record<string, string> = {};
    for (const [name, index] of this.#names) {
      const value = this.#fields[index]?.trim();
      if (value && !this.#taken.has(index)) rest[name] = value;
    }
    return Object.keys(rest).length > 0 ? rest : undefined;
  }
}

/** Where each column stands, by its name in upper case. Throws Refusal where two have the same. */
export function columnsByName(names: readonly string[]): ReadonlyMap<string, number> {
  const columns = new Map(names.map((name, index) => [name.trim().toUpperCase(), index]));
  if (columns.size < names.length) throw new Refusal('expected each column name once in the header, found one again');
  return columns;
}
