import { expect, test } from 'vitest';
import { arrayLiteral } from '../../src/db/array.ts';

test.for<[(string | number | null)[], string]>([
  [[], '{}'],
  [['a', 'NULL', null, 7], '{"a","NULL",NULL,"7"}'],
  [['a,b', '{c}', ' d ', ''], '{"a,b","{c}"," d ",""}'],
  [['say "x"', 'back\\slash'], '{"say \\"x\\"","back\\\\slash"}'],
])('%j as PostgreSQL reads it', ([values, literal]) => {
  expect(arrayLiteral(values)).toBe(literal);
});
