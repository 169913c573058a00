import { describe, expect, it } from 'vitest';
import { Fault } from '../../src/claims/render.ts';
import { parseJson } from '../../src/ingest/formats/json-parse.ts';

const reasonOf = (text: string) => {
  try {
    parseJson(text, 'claim');
  } catch (error) {
    if (error instanceof Fault) return `${error.field}: ${error.reason}`;
    throw error;
  }
  return undefined;
};

describe('the value of a JSON text', () => {
  it.each([
    ['{}'],
    ['[]'],
    ['null'],
    ['{"a":[1,-2,3.5,0,1.25e-7],"b":{"a":null},"c":[true,false,"x"]}'],
    ['{"a:b":"c:d","quote\\"":"\\\\","\\\\\\"":"\\u00e9 ü 𝒳"}'],
    [' [ { "a" : { } } , [ [ ] ] ] '],
    ['{"__proto__":{"a":1},"constructor":2,"2":1,"1":2}'],
    [`${'['.repeat(200)}${']'.repeat(200)}`],
  ])('is what JSON.parse makes of %s', (text) => {
    expect(parseJson(text, 'claim')).toEqual(JSON.parse(text));
  });

  it.each([['12.10'], ['1e400'], ['-0'], ['12345678901234567890'], ['0.1000000000000000055511151231257827'], ['1E+2']])(
    'keeps the number %s, which a double does not give back, as its text',
    (number) => {
      expect(parseJson(`{"a":${number},"b":[${number}, 7]}`, 'claim')).toEqual({ a: number, b: [number, 7] });
      expect(parseJson(number, 'claim')).toBe(number);
    },
  );

  it.each([
    ['{"a":1,"a":1}'],
    ['{"a":1,"b":2,"a":3}'],
    ['[{"x":{"a":{},"a":[]}}]'],
    ['{"a":1,"\\u0061":2}'],
    ['{"__proto__":1,"__proto__":2}'],
  ])('is refused where an object has a name twice: %s', (text) => {
    expect(reasonOf(text)).toBe('claim: expected each name once in an object, found one again');
  });

  it.each([
    [''],
    ['{'],
    ['{"a":1,}'],
    ['{"a":01}'],
    ['{"a":1.}'],
    ['{"a":+1}'],
    ['{"a":.50}'],
    ['{"a":-}'],
    ['"abc'],
    ['{a:1}'],
    ['1.10 2'],
    ['{"a":NaN}'],
    ['{"a":1.10.1}'],
  ])('is refused where the text is no JSON: %s', (text) => {
    expect(reasonOf(text)).toBe('claim: expected a JSON object, found text that is not valid JSON');
  });

  it.each([[201], [100_000]])('is refused where it is %i levels deep', (depth) => {
    expect(reasonOf(`${'['.repeat(depth)}${']'.repeat(depth)}`)).toBe(
      'claim: expected at most 200 levels of objects and arrays',
    );
  });
});
