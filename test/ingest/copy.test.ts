import fc from 'fast-check';
import { expect, it } from 'vitest';
import { byDay, linesOf, type StoredRow } from '../../src/ingest/copy.ts';

const row = (day: string, line: string) => ({ day, line: Buffer.from(line) }) as StoredRow;

/** Each piece is good until the next is made. */
const written = (rows: StoredRow[]) =>
  Array.from(linesOf(byDay(rows)), (piece) => Buffer.from(piece).toString()).join('');

const days = fc.constantFrom('2024-01-05', '2023-12-31', '2024-01-06');
/** Of a byte up to more than a piece has. */
const lengths = fc.oneof(fc.integer({ min: 1, max: 5 }), fc.integer({ min: 1, max: 300_000 }));

it('writes each line once, whole, in the order of their days', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(days, lengths), { maxLength: 12 }), (lines) => {
      const rows = lines.map(([day, length], index) => row(day, `${day} ${index} ${'x'.repeat(length)}\n`));
      const sorted = [...rows].sort((a, b) => a.day.localeCompare(b.day));
      expect(written(rows)).toBe(sorted.map(({ line }) => line.toString()).join(''));
    }),
  );
});
