import { describe, expect, it } from 'vitest';
import { renderClaim } from '../../src/claims/render.ts';
import { detectFormat } from '../../src/ingest/formats/index.ts';
import { json, ndjson } from '../../src/ingest/formats/json.ts';
import { aClaim } from '../support/claims.ts';
import { claimsOf, readAll, rejectsOf, temporaryDirectory } from '../support/files.ts';

const directory = await temporaryDirectory();
const numbers = ['A1', 'A2', 'A3'];
const claims = numbers.map((value) => aClaim({ identifier: { system: 'test', value } }));
const lines = claims.map((claim) => JSON.stringify(claim));
const numbersOf = (entries: Parameters<typeof claimsOf>[0]) => claimsOf(entries).map((claim) => claim.identifier.value);

const layouts: [string, typeof json, string][] = [
  ['NDJSON', ndjson, `${lines.join('\n')}\n`],
  ['an array', json, `[${lines.join(',')}]`],
  ['an array laid out over lines', json, JSON.stringify(claims, null, 2)],
  ['objects laid out over lines', json, claims.map((claim) => JSON.stringify(claim, null, 2)).join('\n')],
  ['an array behind a byte order mark', json, `\ufeff [${lines.join(',')}]`],
];

describe('canonical JSON', () => {
  it.each(layouts)('is told in the layout of %s', (_, format, content) => {
    expect(detectFormat(Buffer.from(content))).toBe(format);
  });

  it.each(layouts)('is read in the layout of %s', async (_, format, content) => {
    expect(claimsOf(await readAll(format, directory, content))).toEqual(claims);
  });

  it.each(layouts)('goes on behind any claim in the layout of %s', async (_, format, content) => {
    const all = await readAll(format, directory, content);
    for (const [index, entry] of all.entries()) {
      expect(await readAll(format, directory, content, entry.resume)).toEqual(all.slice(index + 1));
    }
  });

  it('reads back what the service renders, to the same document', async () => {
    const documents = claims.map((claim) => renderClaim(claim).document);
    const again = claimsOf(await readAll(ndjson, directory, documents.join('\n')));
    expect(again.map((claim) => renderClaim(claim).document)).toEqual(documents);
  });

  it('is told where its source is a FHIR resource', () => {
    const claim = aClaim({ source: { resourceType: 'ExplanationOfBenefit', status: 'active' } });
    expect(detectFormat(Buffer.from(`${JSON.stringify(claim)}\n`))).toBe(ndjson);
    expect(detectFormat(Buffer.from(JSON.stringify([claim], null, 2)))).toBe(json);
  });

  it('is NDJSON also where the first line is half a claim: that line is rejected and the others are taken', async () => {
    const content = `${lines[0]?.slice(0, 60)}\n${lines[1]}\n${lines[2]}\n`;
    const format = detectFormat(Buffer.from(content));
    expect(format).toBe(ndjson);
    const entries = await readAll(ndjson, directory, content);
    expect(numbersOf(entries)).toEqual(['A2', 'A3']);
    expect(rejectsOf(entries)).toMatchObject([{ position: 1, field: 'claim' }]);
  });

  it('is told where the first claim has no source, and that of another is a FHIR resource', () => {
    const plain = aClaim({ source: undefined });
    const ofFhir = aClaim({ source: { resourceType: 'ExplanationOfBenefit' } });
    expect(detectFormat(Buffer.from(`${JSON.stringify(plain)}\n${JSON.stringify(ofFhir)}\n`))).toBe(ndjson);
    expect(detectFormat(Buffer.from(JSON.stringify([plain, ofFhir])))).toBe(json);
  });

  it('leaves FHIR resources and other JSON to others', () => {
    const resource = '{"resourceType":"ExplanationOfBenefit","identifier":[],"billablePeriod":{}}';
    expect(detectFormat(Buffer.from(resource))?.name).toBe('fhir-ndjson');
    expect(detectFormat(Buffer.from('{"hello":"world"}'))).toBeUndefined();
    expect(detectFormat(Buffer.from(''))).toBeUndefined();
  });

  it.each([
    [
      'half an object',
      '{"identifier":{"system":"test","val',
      'claim',
      'expected a JSON object, found text that is not valid JSON',
    ],
    ['another value', '7', 'claim', 'expected a JSON object, found another JSON value'],
    ['no type', without('type'), 'type', 'expected a value, found none'],
    [
      'an unknown type',
      change({ type: 'psychic' }),
      'type',
      'expected one of institutional, professional, oral, pharmacy, vision',
    ],
    [
      'a field that is not known',
      change({ favourite: 1 }),
      'favourite',
      'expected no such field; what the claim has no field for stands under source',
    ],
    [
      'an amount that is a number',
      change({ total: { charge: 12.5 } }),
      'total.charge',
      'expected dollars and cents as a string, such as "1234.50"',
    ],
    [
      'an amount of 40 digits',
      change({ total: { charge: `${'1'.repeat(40)}.00` } }),
      'total.charge',
      'expected dollars and cents as a string, such as "1234.50"',
    ],
  ])('rejects a line with %s and takes the others', async (_, line, field, reason) => {
    const entries = await readAll(ndjson, directory, [lines[0], line, lines[2]].join('\n'));
    expect(numbersOf(entries)).toEqual(['A1', 'A3']);
    expect(rejectsOf(entries)).toMatchObject([{ position: 2, field, reason }]);
  });

  it.each(['first', 'last'])(
    'rejects a name that is not known, %s in each of the objects of a claim',
    async (place) => {
      const claim = aClaim({ source: undefined });
      const objects = objectsOf(claim);
      expect(objects.length).toBeGreaterThan(30);
      const strange = objects.map(({ field, object }) => {
        const { ...before } = object;
        const put = (names: object) => {
          for (const name in object) delete object[name];
          Object.assign(object, names);
        };
        put(place === 'first' ? { favourite: 1, ...before } : { ...before, favourite: 1 });
        const line = JSON.stringify(claim);
        put(before);
        return { field: `${field}favourite`, line };
      });
      const rejects = rejectsOf(await readAll(ndjson, directory, strange.map(({ line }) => line).join('\n')));
      expect(rejects.map(({ field }) => field)).toEqual(strange.map(({ field }) => field));
    },
  );

  it('names the claim that it rejects', async () => {
    const entries = await readAll(ndjson, directory, change({ type: 'psychic' }));
    expect(rejectsOf(entries)).toMatchObject([{ claim: 'A2' }]);
  });

  it('rejects each value of an array that is no object, and takes the others', async () => {
    const content = `[${lines[0]}, null,"a , ] \\" [",-1.5 ,${lines[1]},true]`;
    const entries = await readAll(json, directory, content);
    expect(numbersOf(entries)).toEqual(['A1', 'A2']);
    expect(rejectsOf(entries).map(({ position }) => position)).toEqual([2, 3, 4, 6]);
    for (const [index, entry] of entries.entries()) {
      expect(await readAll(json, directory, content, entry.resume)).toEqual(entries.slice(index + 1));
    }
  });

  it('rejects an element of an array and takes the others', async () => {
    const entries = await readAll(json, directory, `[${lines[0]},${change({ type: 'x' })},${lines[2]}]`);
    expect(numbersOf(entries)).toEqual(['A1', 'A3']);
    expect(rejectsOf(entries)).toMatchObject([{ position: 2, field: 'type' }]);
  });

  it.each([
    ['inside an object', `[${lines[0]},{"identifier":`, 'expected the end of the object, found the end of the file'],
    ['before its bracket', `[${lines[0]},`, 'expected the ] that ends the array, found the end of the file'],
    ['in something else', `[${lines[0]},@]`, 'expected a JSON object, found something else; the rest cannot be read'],
  ])('reports an array that ends %s', async (_, content, reason) => {
    const entries = await readAll(json, directory, content);
    expect(numbersOf(entries)).toEqual(['A1']);
    expect(rejectsOf(entries)).toMatchObject([{ position: 2, reason }]);
  });
});

function change(fields: object): string {
  return JSON.stringify({ ...claims[1], ...fields });
}

function without(field: string): string {
  const { [field as 'type']: _, ...rest } = claims[1] as (typeof claims)[number];
  return JSON.stringify(rest);
}

interface Part {
  /** As a reject names what is in it. */
  field: string;
  object: Record<string, unknown>;
}

function objectsOf(value: unknown, field = ''): Part[] {
  if (typeof value !== 'object' || value === null) return [];
  const parts = Object.entries(value).flatMap(([name, part]) => objectsOf(part, `${field}${name}.`));
  return Array.isArray(value) ? parts : [{ field, object: value as Record<string, unknown> }, ...parts];
}
