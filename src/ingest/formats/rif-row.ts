import { parseAmount } from '../../claims/amount.ts';
import { calendarDate } from '../../claims/date.ts';
import { Fault } from '../../claims/render.ts';

/** The column names of a CMS Research Identifiable File, from its header line. */
export class RifHeader {
  readonly names: string[];
  readonly #index: Map<string, number>;

  constructor(line: string) {
    this.names = line.split('|').map((name) => name.trim().toUpperCase());
    this.#index = new Map(this.names.map((name, index) => [name, index]));
  }

  has(name: string): boolean {
    return this.#index.has(name);
  }

  index(name: string): number | undefined {
    return this.#index.get(name);
  }
}

const months = new Map(
  ['JAN', 'FEB', 'MAR', 'APR', 'MAY', 'JUN', 'JUL', 'AUG', 'SEP', 'OCT', 'NOV', 'DEC'].map((name, i) => [name, i + 1]),
);

/** Days as files write them: the claims of a file are of few, and to read each anew took a twelfth of an import. */
const knownDays = new Map<string, string>();
const mostKnownDays = 10_000;

/** `yyyy-mm-dd`, or undefined where the text is no day. */
function day(text: string): string | undefined {
  const known = knownDays.get(text);
  if (known !== undefined) return known;
  const worded = /^(\d{1,2})-([A-Za-z]{3})-(\d{4})$/.exec(text);
  const compact = /^(\d{4})(-?)(\d{2})\2(\d{2})$/.exec(text);
  const date = worded
    ? calendarDate(Number(worded[3]), months.get((worded[2] as string).toUpperCase()) ?? 0, Number(worded[1]))
    : compact
      ? calendarDate(Number(compact[1]), Number(compact[3]), Number(compact[4]))
      : undefined;
  if (date !== undefined && knownDays.size < mostKnownDays) knownDays.set(text, date);
  return date;
}

const oneToOne = new WeakMap<ReadonlyMap<string, unknown>, Set<string>>();

/** Whether no other of the codes means the same. */
function isOneToOne(codes: ReadonlyMap<string, unknown>, code: string): boolean {
  let single = oneToOne.get(codes);
  if (single === undefined) {
    const meanings = [...codes.values()];
    const isSingle = ([, meaning]: [string, unknown]) => meanings.indexOf(meaning) === meanings.lastIndexOf(meaning);
    single = new Set([...codes].filter(isSingle).map(([code]) => code));
    oneToOne.set(codes, single);
  }
  return single.has(code);
}

/** The first columns of a row, which are the same on another one and are not read twice. */
export interface SharedColumns {
  row: RifRow;
  count: number;
}

/** A row whose columns are taken by name; what nobody took remains for `source`. */
export class RifRow {
  readonly #header: RifHeader;
  /** Those behind the columns that are shared. */
  readonly #fields: string[];
  readonly #shared: SharedColumns | undefined;
  /** Bits, of 32 columns each. */
  readonly #taken: number[];

  /** The line begins behind the columns that are shared. Throws Fault where the row has not as many fields as the header. */
  constructor(header: RifHeader, line: string, shared?: SharedColumns) {
    this.#header = header;
    this.#fields = line.split('|');
    this.#shared = shared;
    const expected = header.names.length;
    const found = this.#fields.length + (shared?.count ?? 0);
    this.#taken = new Array((expected + 31) >> 5).fill(0);
    if (found !== expected) {
      const field = header.names[Math.min(found, expected - 1)] as string;
      throw new Fault(field, `expected a row of ${expected} fields, found ${found}`);
    }
  }

  #field(index: number): string | undefined {
    const shared = this.#shared;
    if (shared === undefined) return this.#fields[index]?.trim();
    return index < shared.count ? shared.row.#field(index) : this.#fields[index - shared.count]?.trim();
  }

  /** Undefined where the file has no such column or the field is blank. */
  text(name: string): string | undefined {
    const index = this.#header.index(name);
    if (index === undefined) return undefined;
    const value = this.#field(index);
    if (!value) return undefined;
    this.#taken[index >> 5] = (this.#taken[index >> 5] as number) | (1 << index);
    return value;
  }

  /** Without taking it. */
  peek(name: string): string | undefined {
    return this.#field(this.#header.index(name) ?? -1);
  }

  required(name: string): string {
    const value = this.text(name);
    if (value === undefined) throw new Fault(name, 'expected a value, found none');
    return value;
  }

  code(name: string, maxLength = 50): string | undefined {
    const value = this.text(name);
    if (value !== undefined && value.length > maxLength) {
      throw new Fault(name, `expected at most ${maxLength} characters, found ${value.length}`);
    }
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

  decimal(name: string): string | undefined {
    const value = this.text(name);
    if (value !== undefined && !/^-?\d{1,15}(\.\d{1,6})?$/.test(value)) throw new Fault(name, 'expected a number');
    return value;
  }

  /** CMS writes 31-Dec-2015, and 20151231 in its fixed-width extracts; other programs 2015-12-31. */
  date(name: string): string | undefined {
    const value = this.text(name);
    if (value === undefined) return undefined;
    const date = day(value);
    if (date === undefined) {
      throw new Fault(name, 'expected a day of the calendar as dd-Mon-yyyy, yyyymmdd or yyyy-mm-dd');
    }
    return date;
  }

  /** What the code means, or undefined where the field is blank. Takes it where no other code means the same. */
  oneOf<T>(name: string, codes: ReadonlyMap<string, T>): T | undefined {
    const value = this.peek(name);
    if (!value) return undefined;
    if (!codes.has(value)) {
      throw new Fault(name, `expected one of the codes ${[...codes.keys()].join(', ')}, found another`);
    }
    if (isOneToOne(codes, value)) this.text(name);
    return codes.get(value);
  }

  /** The columns from one to before another that hold something and that nobody took. */
  untaken(from: number, to: number): Record<string, string> | undefined {
    let rest: Record<string, string> | undefined;
    for (let index = from; index < to; index += 1) {
      if (((this.#taken[index >> 5] as number) >> index) & 1) continue;
      const value = this.#field(index);
      if (!value) continue;
      rest ??= {};
      rest[this.#header.names[index] as string] = value;
    }
    return rest;
  }
}

/** The place behind the n-th bar of a line; undefined where it has not so many. */
export function columnStart(line: string, index: number): number | undefined {
  let start = 0;
  for (let skipped = 0; skipped < index; skipped += 1) {
    start = line.indexOf('|', start) + 1;
    if (start === 0) return undefined;
  }
  return start;
}

/** The text behind the n-th bar and before the next one, of a line that need not be whole; of the last column, to its end. */
export function fieldAt(line: string, index: number, isLast = false): string | undefined {
  const from = columnStart(line, index);
  if (from === undefined) return undefined;
  const to = line.indexOf('|', from);
  if (to >= 0) return line.slice(from, to);
  return isLast ? line.slice(from) : undefined;
}

/** The name of the column that the character at this place belongs to. */
export function columnAt(header: RifHeader, line: string, place: number): string | undefined {
  let column = 0;
  for (let at = line.indexOf('|'); at >= 0 && at < place; at = line.indexOf('|', at + 1)) column += 1;
  return header.names[column];
}
