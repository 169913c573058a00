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
const textOid = 25;
const dayMs = 86_400_000;
/** PostgreSQL counts days from here. */
const epoch = Date.parse('2000-01-01');

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
    this.#int16(fields);
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
    this.#block.writeInt32BE(this.#at - lengthAt - int32Bytes, lengthAt);
  }

  /**
   * Bytes of their hexadecimal digits, of small letters, with or without the hyphens of a UUID. Node's own takes four times
   * as long, as the hyphens are to be taken out before.
   */
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
    this.#int32((Date.parse(day) - epoch) / dayMs);
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
    this.#int16(4);
    this.#int16(2);
    this.#int16(cents < 0 ? 0x4000 : 0);
    this.#int16(2); // Digits behind the point that are shown.
    this.#int16(Math.floor(whole / 1e8));
    this.#int16(Math.floor(whole / 1e4) % 1e4);
    this.#int16(whole % 1e4);
    this.#int16((absolute % 100) * 100);
  }

  #null(): void {
    this.#makeRoom(int32Bytes);
    this.#int32(-1);
  }

  #text(value: string): void {
    this.#makeRoom(int32Bytes + value.length * mostBytesOfCharacter);
    const bytes = this.#block.write(value, this.#at + int32Bytes);
    this.#int32(bytes);
    this.#at += bytes;
  }

  #int32(value: number): void {
    this.#at = this.#block.writeInt32BE(value, this.#at);
  }

  #int16(value: number): void {
    this.#at = this.#block.writeInt16BE(value, this.#at);
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

/** Of 0 to 9 and a to f. */
const nibble = (code: number) => (code < 58 ? code - 48 : code - 87);
