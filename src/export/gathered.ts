import { Transform, type Writable } from 'node:stream';

const blockBytes = 256 << 10;

/**
 * Joins rows, which come one by one, into blocks: a write for each row would take three times as long as the row. A block
 * is used again once what the blocks are piped into has taken them all, as fresh memory for each costs an export more than
 * to fill it: so that must be done with a chunk when its write is, as a socket, a file and zlib are.
 */
export class Gathered extends Transform {
  readonly #into: Writable[] = [];
  #block: Buffer = Buffer.alloc(0);
  #used = 0;
  /** Handed out since all had been taken. */
  #handedOut: Buffer[] = [];
  readonly #spare: Buffer[] = [];
  rows = 0;

  constructor() {
    super({ readableHighWaterMark: blockBytes, writableHighWaterMark: 2 * blockBytes });
  }

  override pipe<T extends NodeJS.WritableStream>(into: T, options?: { end?: boolean }): T {
    this.#into.push(into as unknown as Writable);
    return super.pipe(into, options);
  }

  override _transform(row: Buffer, _encoding: BufferEncoding, done: () => void): void {
    if (row.length > this.#block.length - this.#used) {
      this.#handOut();
      this.#block = (row.length <= blockBytes ? this.#spare.pop() : undefined) ?? newBlock(row.length);
    }
    this.rows += 1;
    this.#used += row.copy(this.#block, this.#used);
    done();
  }

  override _flush(done: () => void): void {
    this.#handOut();
    done();
  }

  #handOut(): void {
    // Where they are still being taken, the collector gets them instead, or a slow client would hold more and more.
    const taken =
      this.#into.length > 0 && this.readableLength === 0 && this.#into.every((into) => into.writableLength === 0);
    if (taken) this.#spare.push(...this.#handedOut);
    this.#handedOut = [];
    if (this.#used === 0) return;
    if (this.#block.length === blockBytes) this.#handedOut.push(this.#block);
    this.push(this.#block.subarray(0, this.#used));
    this.#used = 0;
  }
}

const newBlock = (least: number) => Buffer.allocUnsafeSlow(Math.max(blockBytes, least));
