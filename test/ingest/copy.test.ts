import fc from 'fast-check';
import { expect, it } from 'vitest';
import { byDay, linesOf, type StoredRow } from '../../src/ingest/copy.ts';

const row = (day: string, line: string) => ({ day, line: Buffer.from(line) }) as StoredRow;

/** Each piece is good until the next is made. */
const written = (rows: StoredRow[], givesWay: () => boolean) =>
  Array.from(linesOf(rows, givesWay), (piece) => Buffer.from(piece).toString());

const days = fc.constantFrom('2024-01-05', '2023-12-31', '2024-01-06');
/** Of a byte up to more than a piece has. */
const lengths = fc.oneof(
  fc.integer({ min: 1, max: 5 }),
  fc.integer({ min: 1, max: 5000 }),
  fc.integer({ min: 1, max: 300_000 }),
);

it('writes each line once, whole, in the order of their days, also while it gives way', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(days, lengths), { maxLength: 12 }), fc.func(fc.boolean()), (lines, givesWay) => {
      const rows = lines.map(([day, length], index) => row(day, `${day} ${index} ${'x'.repeat(length)}\n`));
      const sorted = [...rows].sort((a, b) => a.day.localeCompare(b.day));
      let asked = 0;
      const pieces = written(byDay(rows), () => givesWay(asked++));
      expect(pieces.join('')).toBe(sorted.map(({ line }) => line.toString()).join(''));
    }),
  );
});

it('writes pieces of 4 kB while it gives way, and of 256 kB else', () => {
  const rows = Array.from({ length: 1000 }, () => row('2024-01-05', `${'x'.repeat(1023)}\n`));
  let isAsked = true;
  const lengths = written(rows, () => isAsked).map(({ length }) => length);
  expect(lengths).toEqual(Array(250).fill(4096));
  isAsked = false;
  expect(written(rows, () => isAsked).map(({ length }) => length)).toEqual([262_144, 262_144, 262_144, 237_568]);
});
