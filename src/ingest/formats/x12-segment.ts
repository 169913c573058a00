import { parseAmount } from '../../claims/amount.ts';
import { isDate } from '../../claims/date.ts';
import { Fault } from '../../claims/render.ts';

/** The characters that part an interchange's data, from its ISA segment. */
export interface Separators {
  element: string;
  component: string;
  /** Undefined where ISA11 is a letter, as before version 00501. */
  repetition: string | undefined;
  terminator: string;
}

/** A fault of a segment: names the element, such as CLM05, and where it stands. */
export class SegmentFault extends Fault {
  readonly segment: Segment;

  /** The element by its number, or what is missing there by its name. */
  constructor(segment: Segment, element: number | string | undefined, reason: string) {
    const field = typeof element === 'number' ? segment.name(element) : element;
    super(field ?? (/^[A-Z0-9]{2,3}$/.test(segment.id) ? segment.id : 'segment'), reason);
    this.segment = segment;
  }
}

/** Other characters that data part components by when their header was made anew and does not say so. */
const undeclared = /^[A-Z0-9]{1,3}([>:|^\\])[^>:|^\\]/;

/** A segment whose elements are taken one by one; what nobody took remains for `source`. */
export class Segment {
  readonly id: string;
  readonly text: string;
  /** In the file, from 1. */
  readonly number: number;
  /** In the decompressed file: of the first byte, and behind the terminator. */
  readonly start: number;
  readonly end: number;
  readonly #separators: Separators;
  #split: string[] | undefined;
  #taken = 1;

  constructor(text: string, separators: Separators, number: number, start: number, end: number) {
    this.text = text;
    this.number = number;
    this.start = start;
    this.end = end;
    this.#separators = separators;
    const idEnd = text.indexOf(separators.element);
    this.id = idEnd < 0 ? text : text.slice(0, idEnd);
  }

  /** Made when it is asked for: of many segments nobody takes anything. */
  get #elements(): string[] {
    this.#split ??= this.text.split(this.#separators.element);
    return this.#split;
  }

  /** The name of an element, as the guides write it: CLM05. */
  name(element: number): string {
    return `${this.id}${String(element).padStart(2, '0')}`;
  }

  /** What the element holds, without taking it; empty where it is not there. */
  peek(element: number): string {
    return this.#elements[element]?.trim() ?? '';
  }

  /** Undefined where the element is empty or not there. */
  take(element: number, maxLength = 200): string | undefined {
    const value = this.#elements[element]?.trim();
    if (!value) return undefined;
    if (value.length > maxLength) {
      throw new SegmentFault(this, element, `expected at most ${maxLength} characters, found ${value.length}`);
    }
    this.#taken |= 1 << element;
    return value;
  }

  required(element: number, maxLength?: number): string {
    const value = this.take(element, maxLength);
    if (value === undefined) throw new SegmentFault(this, element, 'expected a value, found none');
    return value;
  }

  /** Takes an element if the value is what the caller knows already, such as a qualifier. */
  is(element: number, ...values: string[]): boolean {
    const found = values.includes(this.peek(element));
    if (found) this.#taken |= 1 << element;
    return found;
  }

  /** US dollars, canonical. */
  amount(element: number): string | undefined {
    const value = this.take(element, 30);
    if (value === undefined) return undefined;
    const amount = parseAmount(value);
    if (amount === undefined) {
      throw new SegmentFault(
        this,
        element,
        'expected dollars and cents, such as 1234.5, with at most 12 digits before the point',
      );
    }
    return amount;
  }

  requiredAmount(element: number): string {
    const amount = this.amount(element);
    if (amount === undefined) throw new SegmentFault(this, element, 'expected an amount, found none');
    return amount;
  }

  decimal(element: number): string | undefined {
    const value = this.take(element, 30);
    if (value !== undefined && !/^-?(\d{1,15}(\.\d{0,6})?|\.\d{1,6})$/.test(value)) {
      throw new SegmentFault(this, element, 'expected a number');
    }
    return value;
  }

  /** A day as CCYYMMDD. */
  date(element: number): string | undefined {
    const value = this.take(element, 35);
    if (value === undefined) return undefined;
    const date = dayOf(value);
    if (date === undefined) throw new SegmentFault(this, element, 'expected a day of the calendar as CCYYMMDD');
    return date;
  }

  /** A day as CCYYMMDD; undefined, and not taken, where it is none. */
  day(element: number): string | undefined {
    const date = dayOf(this.peek(element));
    if (date !== undefined) this.take(element);
    return date;
  }

  /** A day or a range of days in the format that another element names: D8, RD8, DT, DTS. Some name another than it is. */
  period(format: number, element: number): { start: string; end: string } | undefined {
    this.take(format, 10);
    const value = this.take(element, 35);
    if (value === undefined) return undefined;
    const [start, end] = daysOf(value);
    if (start === undefined || end === undefined) {
      throw new SegmentFault(this, element, 'expected days of the calendar as CCYYMMDD, or CCYYMMDD-CCYYMMDD with RD8');
    }
    if (end < start) throw new SegmentFault(this, element, 'expected a range that ends after it starts');
    return { start, end };
  }

  /** The components of a composite element, without taking it. */
  components(element: number): string[] {
    const value = this.peek(element);
    if (value === '') return [];
    const { component } = this.#separators;
    const separator = value.includes(component) ? component : undeclared.exec(value)?.[1];
    if (separator === undefined) return [value];
    const parts = value.split(separator);
    for (let index = 0; index < parts.length; index += 1) parts[index] = (parts[index] as string).trim();
    return parts;
  }

  /** Marks a composite as taken. */
  taken(element: number): void {
    this.#taken |= 1 << element;
  }

  get length(): number {
    return this.#elements.length;
  }

  /** Whether an element holds something that nobody took. */
  get untaken(): boolean {
    // Mostly so where nothing was taken, and then known without taking the segment apart.
    if (this.#taken === 1 && !this.text.endsWith(this.#separators.element)) return this.text.length > this.id.length;
    const elements = this.#elements;
    for (let element = 1; element < elements.length; element += 1) {
      if (!(this.#taken & (1 << element)) && elements[element]?.trim()) return true;
    }
    return false;
  }
}

function dayOf(text: string): string | undefined {
  if (text.length !== 8) return undefined;
  const date = `${text.slice(0, 4)}-${text.slice(4, 6)}-${text.slice(6)}`;
  return isDate(date) ? date : undefined;
}

/** The first and the last of a day or a range of days; undefined where there is none. A time behind a day is passed over. */
export function daysOf(text: string): [first: string | undefined, last: string | undefined] {
  if (text.length === 8) {
    const only = dayOf(text);
    return [only, only];
  }
  const day = (part: string) => dayOf(part.replace(/^(\d{8})\d{4}(\d\d)?$/, '$1'));
  const [first = '', last = first, ...more] = text.split('-');
  return more.length > 0 ? [undefined, undefined] : [day(first), day(last)];
}

/** Those segments, as the file has them, that hold anything nobody took. */
export const untakenTexts = (segments: (Segment | undefined)[]) =>
  segments.flatMap((segment) => (segment?.untaken ? [segment.text] : []));
