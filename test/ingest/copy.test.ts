import fc from 'fast-check';
import { expect, it } from 'vitest';
import { copyHeader, copyTrailer } from '../../src/db/tuples.ts';
import { byDay, copyData, type StoredRow } from '../../src/ingest/copy.ts';

const row = (day: string, tuple: string) => ({ day, tuple: Buffer.from(tuple) }) as unknown as StoredRow;

/** Each piece is good until the next is made. */
const pieces = (rows: StoredRow[], givesWay: () => boolean) =>
  Array.from(copyData(rows, givesWay), (piece) => Buffer.from(piece));

const days = fc.constantFrom('2024-01-05', '2023-12-31', '2024-01-06');
/** Of a byte up to more than a piece has. */
const lengths = fc.oneof(
  fc.integer({ min: 1, max: 5 }),
  fc.integer({ min: 1, max: 5000 }),
  fc.integer({ min: 1, max: 300_000 }),
);

it('sends each tuple once, whole, in the order of their days, also while it gives way', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(days, lengths), { maxLength: 12 }), fc.func(fc.boolean()), (tuples, givesWay) => {
      const rows = tuples.map(([day, length], index) => row(day, `${day} ${index} ${'x'.repeat(length)}`));
      const sorted = [...rows].sort((a, b) => a.day.localeCompare(b.day));
      let asked = 0;
      const sent = Buffer.concat(pieces(byDay(rows), () => givesWay(asked++)));
      expect(sent.equals(Buffer.concat([copyHeader, ...sorted.map(({ tuple }) => tuple), copyTrailer]))).toBe(true);
    }),
  );
});

it('sends pieces of 4 kB while it gives way, and of 256 kB else', () => {
  const rows = Array.from({ length: 1000 }, () => row('2024-01-05', 'x'.repeat(1024)));
  const lengths = (givesWay: boolean) => pieces(rows, () => givesWay).map(({ length }) => length);
  const [header, trailer] = [copyHeader.length, copyTrailer.length];
  expect(lengths(true)).toEqual([header + 3072, ...Array(249).fill(4096), 1024 + trailer]);
  expect(lengths(false)).toEqual([header + 261_120, 262_144, 262_144, 238_592 + trailer]);
});
