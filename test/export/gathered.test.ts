import { Readable, Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { expect, test } from 'vitest';
import { Gathered } from '../../src/export/gathered.ts';

/** Rows of some kilobytes, each of its own, and one larger than a block. */
function rowsOf(count: number): Buffer[] {
  const rows = Array.from({ length: count }, (_, index) => Buffer.from(`${index} `.repeat(200 + (index % 700))));
  return [...rows, Buffer.alloc(300_000, 'x'), Buffer.from('the last')];
}

interface Taking {
  /** Milliseconds until a chunk is read, and with it done with. */
  after(index: number): number | undefined;
}

/** Takes the chunks it is given and reads each only when it is done with it, as a socket does. */
function taker({ after }: Taking) {
  const read: Buffer[] = [];
  const blocks = new Set<ArrayBufferLike>();
  const into = new Writable({
    write(chunk: Buffer, _encoding, done) {
      blocks.add(chunk.buffer);
      const take = () => {
        read.push(Buffer.from(chunk));
        done();
      };
      const ms = after(read.length);
      if (ms === undefined) take();
      else setTimeout(take, ms);
    },
  });
  return { into, blocks, text: () => Buffer.concat(read) };
}

const rows = rowsOf(3000);
const whole = Buffer.concat(rows);

test.for<[string, Taking]>([
  ['at once', { after: () => undefined }],
  ['later', { after: () => 1 }],
  ['now at once, now later', { after: (index) => (index % 3 === 0 ? 2 : undefined) }],
])('what is taken %s is all rows, whole and in their order', async ([, taking]) => {
  const { into, text } = taker(taking);
  const gathered = new Gathered();
  await pipeline(Readable.from(rows), gathered, into);
  expect(text().equals(whole)).toBe(true);
  expect(gathered.rows).toBe(rows.length);
});

test('what takes them at once is given the same few blocks again', async () => {
  const { into, blocks, text } = taker({ after: () => undefined });
  await pipeline(Readable.from(rows), new Gathered(), into);
  expect(text().length).toBeGreaterThan(20 * 256 * 1024);
  expect(blocks.size).toBeLessThan(6);
});

test('blocks that are kept by what reads them otherwise stay as they are', async () => {
  const chunks: Buffer[] = [];
  for await (const chunk of Readable.from(rows).pipe(new Gathered())) chunks.push(chunk);
  expect(Buffer.concat(chunks).equals(whole)).toBe(true);
});

test('the blocks of one of two that read are not used again while the other has not taken them', async () => {
  const [quick, slow] = [taker({ after: () => undefined }), taker({ after: () => 1 })];
  const gathered = new Gathered();
  const ended = Promise.all([quick, slow].map(({ into }) => new Promise((resolve) => into.once('finish', resolve))));
  gathered.pipe(quick.into);
  gathered.pipe(slow.into);
  Readable.from(rows).pipe(gathered);
  await ended;
  expect(quick.text().equals(whole)).toBe(true);
  expect(slow.text().equals(whole)).toBe(true);
});
