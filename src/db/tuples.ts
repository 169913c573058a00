/**
 * Rows as COPY's binary format has them: https://www.postgresql.org/docs/18/sql-copy.html, "File Formats". PostgreSQL
 * takes a tenth less time for them than for lines of text, in which it looks at each byte for ends and escapes.
 */

/** Before the first tuple: the signature, no flags, and no extension. */
export const copyHeader = Buffer.from('PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0', 'latin1');
/** Behind the last one. */
export const copyTrailer = Buffer.from([0xff, 0xff]);

const blockBytes = 1 << 20;
/** As much as the batches that are under way take. */
const mostSpareBlocks = 48;
const spare: Buffer[] = [];

const [int16Bytes, int32Bytes] = [2, 4];
const mostBytesOfCharacter = 3;
/** To write a shorter text here takes less than to call Node for it. */
const shortText = 24;
const textOid = 25;
/** PostgreSQL counts days from the first of January 2000: its dayNumber. */
const epoch = 730_425;

/**
 * Where tuples lie: in blocks outside of the heap, one behind the other, as an allocation of its own for each takes longer
 * than to write it. Blocks are used again, because the collector, which does not see how large they are, would leave a
 * hundred of them lying. A tuple is begun, its fields are written in their order, then it is ended.
 */
export class TupleStore {
  readonly #blocks: Buffer[] = [];
  #block: Buffer = Buffer.alloc(0);
  #start = 0;
  #at = 0;

  begin(fields: number): void {
    this.#start = this.#at;
    this.#makeRoom(int16Bytes);
    this.#block[this.#at] = fields >>> 8;
    this.#block[this.#at + 1] = fields;
    this.#at += int16Bytes;
  }

  end(): Buffer {
    return this.#block.subarray(this.#start, this.#at);
  }

  /** To be called when nobody needs the tuples any more, and the database has them. */
  free(): void {
    for (const block of this.#blocks) {
      if (block.length === blockBytes && spare.length < mostSpareBlocks) spare.push(block);
    }
    this.#blocks.length = 0;
    this.#block = Buffer.alloc(0);
    this.#start = 0;
    this.#at = 0;
  }

  text(value: string | undefined): void {
    if (value === undefined) this.#null();
    else this.#text(value);
  }

  textArray(values: string[]): void {
    this.#makeRoom(6 * int32Bytes);
    const offset = this.#at - this.#start;
    this.#int32(0); // The length, once it is known.
    this.#int32(values.length > 0 ? 1 : 0); // Dimensions.
    this.#int32(0); // No nulls.
    this.#int32(textOid);
    if (values.length > 0) {
      this.#int32(values.length);
      this.#int32(1); // The first subscript.
    }
    for (const value of values) this.#text(value);
    const lengthAt = this.#start + offset; // The tuple may have been moved.
    setInt32(this.#block, lengthAt, this.#at - lengthAt - int32Bytes);
  }

  /** Bytes of their hexadecimal digits, of small letters, with or without the hyphens of a UUID. */
  hexadecimal(digits: string): void {
    this.#makeRoom(int32Bytes + digits.length);
    const start = this.#at + int32Bytes;
    let at = start;
    for (let place = 0; place < digits.length; place += 2) {
      if (digits.charCodeAt(place) === 45) place += 1;
      this.#block[at] = (nibble(digits.charCodeAt(place)) << 4) | nibble(digits.charCodeAt(place + 1));
      at += 1;
    }
    this.#int32(at - start);
    this.#at = at;
  }

  /** Of a day as yyyy-mm-dd. */
  date(day: string): void {
    this.#makeRoom(2 * int32Bytes);
    this.#int32(int32Bytes);
    this.#int32(dayNumber(Number(day.slice(0, 4)), Number(day.slice(5, 7)), Number(day.slice(8))) - epoch);
  }

  /** A numeric of two digits behind the point, of so many cents, a safe integer: at most twelve digits before it. */
  amount(cents: number | undefined): void {
    if (cents === undefined) {
      this.#null();
      return;
    }
    const absolute = Math.abs(cents);
    const whole = Math.floor(absolute / 100);
    this.#makeRoom(int32Bytes + 8 * int16Bytes);
    this.#int32(8 * int16Bytes);
    // Four digits to the base of 10,000, of which the third stands before the point; PostgreSQL drops zeros around them.
    this.#int16s(4, 2);
    this.#int16s(cents < 0 ? 0x4000 : 0, 2);
    this.#int16s(Math.floor(whole / 1e8), Math.floor(whole / 1e4) % 1e4);
    this.#int16s(whole % 1e4, (absolute % 100) * 100);
  }

  #null(): void {
    this.#makeRoom(int32Bytes);
    this.#int32(-1);
  }

  #text(value: string): void {
    const { length } = value;
    this.#makeRoom(int32Bytes + length * mostBytesOfCharacter);
    const block = this.#block;
    const start = this.#at + int32Bytes;
    let written = 0;
    if (length < shortText) {
      for (; written < length; written += 1) {
        const code = value.charCodeAt(written);
        if (code > 0x7f) break;
        block[start + written] = code;
      }
    }
    if (written < length) written = block.write(value, start);
    this.#int32(written);
    this.#at += written;
  }

  #int32(value: number): void {
    setInt32(this.#block, this.#at, value);
    this.#at += int32Bytes;
  }

  #int16s(one: number, other: number): void {
    this.#int32((one << 16) | other);
  }

  /** Moves the tuple that was begun where its block has not so many bytes left. */
  #makeRoom(bytes: number): void {
    if (this.#at + bytes <= this.#block.length) return;
    const begun = this.#block.subarray(this.#start, this.#at);
    const needed = begun.length + bytes;
    const block =
      (needed <= blockBytes ? spare.pop() : undefined) ?? Buffer.allocUnsafeSlow(Math.max(blockBytes, 2 * needed));
    begun.copy(block);
    this.#blocks.push(block);
    this.#block = block;
    this.#start = 0;
    this.#at = begun.length;
  }
}

/** The field of a tuple, counted from 0, where it is text. */
export function textField(tuple: Buffer, field: number): string | null {
  let at = int16Bytes;
  for (let passed = 0; passed < field; passed += 1) at += int32Bytes + Math.max(tuple.readInt32BE(at), 0);
  const length = tuple.readInt32BE(at);
  at += int32Bytes;
  return length < 0 ? null : tuple.toString('utf8', at, at + length);
}

function setInt32(block: Buffer, at: number, value: number): void {
  block[at] = value >>> 24;
  block[at + 1] = value >>> 16;
  block[at + 2] = value >>> 8;
  block[at + 3] = value;
}

/** Of 0 to 9 and a to f. */
const nibble = (code: number) => (code < 58 ? code - 48 : code - 87);

/** Days since the first of March of the year 0, of the Gregorian calendar before it was introduced as well. */
function dayNumber(year: number, month: number, day: number): number {
  const [y, m] = month > 2 ? [year, month - 3] : [year - 1, month + 9];
  return (
    365 * y + Math.floor(y / 4) - Math.floor(y / 100) + Math.floor(y / 400) + Math.floor((153 * m + 2) / 5) + day - 1
  );
}
