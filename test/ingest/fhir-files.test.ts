import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Compile } from 'typebox/compile';
import { describe, expect, it } from 'vitest';
import { Claim } from '../../src/claims/schema.ts';
import type { Entry } from '../../src/ingest/format.ts';
import { detectFormat } from '../../src/ingest/formats/index.ts';
import { openInput, readHead } from '../../src/ingest/input.ts';
import { anEob, claims, read, rejects, temporaryFile } from '../support/fhir.ts';
import { describeWithFixtures, fixtures } from '../support/fixtures.ts';

describe('files of resources', () => {
  const patient = {
    resourceType: 'Patient',
    id: 'p1',
    birthDate: '1980-01-02',
    gender: 'female',
    name: [{ family: 'Doe', given: ['Jane'] }],
  };

  it('are NDJSON: a broken line costs itself alone, other resources are passed over', async () => {
    const line = JSON.stringify(anEob());
    const result = await read(`${line}\n${JSON.stringify(patient)}\n${line.slice(0, 200)}\n${line}\n`);
    expect(result.format).toBe('fhir-ndjson');
    expect(result.entries).toMatchObject([
      { claim: {}, position: 1 },
      { reject: { position: 3, field: 'resource' } },
      { claim: {}, position: 4 },
    ]);
  });

  it.each([
    ['is half a resource', JSON.stringify(anEob()).slice(0, 200)],
    ['is longer than what is looked at', JSON.stringify(anEob({ status: 'no', text: { div: 'x'.repeat(70_000) } }))],
  ])('are NDJSON also where the first line %s', async (_, first) => {
    const result = await read(`${first}\n${JSON.stringify(anEob())}\n{"half\n${JSON.stringify(anEob())}\n`);
    expect(result.format).toBe('fhir-ndjson');
    expect(rejects(result)).toMatchObject([{ position: 1 }, { position: 3 }]);
    expect(claims(result)).toHaveLength(2);
  });

  it('are NDJSON of Bundles, each with its claims', async () => {
    const bundle = (value: string) => ({
      resourceType: 'Bundle',
      entry: [{ resource: anEob({ identifier: [{ system: 'urn:payer', value }] }) }],
    });
    const result = await read(`${JSON.stringify(bundle('C1'))}\n${JSON.stringify(bundle('C2'))}\n`);
    expect(claims(result).map(({ identifier }) => identifier.value)).toEqual(['C1', 'C2']);
  });

  it.each([undefined, 2])('are Bundles, whatever stands around the entries, with indentation %s', async (indent) => {
    const bundle = {
      link: [{ relation: 'self', url: 'a "entry": [ in a text' }],
      resourceType: 'Bundle',
      meta: { entry: ['not these'] },
      entry: [
        { resource: anEob() },
        { resource: anEob({ identifier: [{ system: 'urn:payer', value: 'C2' }] }) },
        { resource: patient },
      ],
      signature: { data: 'x' },
    };
    const result = await read(JSON.stringify(bundle, null, indent));
    expect(claims(result)).toMatchObject([
      {
        identifier: { value: 'C1' },
        patient: { id: 'p1', birthDate: '1980-01-02', gender: 'female', name: { family: 'Doe', given: 'Jane' } },
      },
      { identifier: { value: 'C2' } },
    ]);
    expect(rejects(result)).toEqual([]);
  });

  it('that hold an OperationOutcome are warned of: a server said that something went wrong', async () => {
    const result = await read(`${JSON.stringify(anEob())}\n{"resourceType":"OperationOutcome","issue":[]}\n`);
    expect(result.entries).toMatchObject([{ claim: {} }, { warning: { position: 2, field: 'resourceType' } }]);
  });

  it.each([
    ['entries twice', (bundle: string) => bundle.replace('"type": "coll', '"entry":[{"resource":{}}],"type": "coll')],
    ['more behind it', (bundle: string) => `${bundle}\n${bundle}`],
  ])('are Bundles: one with %s is reported, since the rest is not read', async (_, change) => {
    const bundle = JSON.stringify(
      { resourceType: 'Bundle', entry: [{ resource: anEob() }], type: 'collection' },
      null,
      1,
    );
    expect(rejects(await read(bundle))).toEqual([]);
    const result = await read(change(bundle));
    expect(claims(result)).toHaveLength(1);
    expect(rejects(result)).toMatchObject([{ position: 2, field: 'resource' }]);
  });

  it('are arrays', async () => {
    expect(claims(await read(JSON.stringify([anEob(), anEob()])))).toHaveLength(2);
  });

  it('are read on from where a load ended', async () => {
    const path = await temporaryFile(
      JSON.stringify({
        resourceType: 'Bundle',
        entry: [1, 2, 3].map((n) => ({ resource: anEob({ identifier: [{ system: 's', value: `C${n}` }] }) })),
      }),
    );
    const format = detectFormat(await readHead(path));
    const first = await format?.read(openInput(path))[Symbol.asyncIterator]().next();
    const rest: Entry[] = [];
    for await (const entry of format?.read(openInput(path), first?.value.resume) ?? []) rest.push(entry);
    expect(rest).toMatchObject([
      { claim: { identifier: { value: 'C2' } } },
      { claim: { identifier: { value: 'C3' } } },
    ]);
  });
});

describeWithFixtures('sample resources of other origin', () => {
  it.each(['bluebutton-eob-search-v2.json', 'carin-inferno-eob-inpatient.json'])('%s is taken whole', async (name) => {
    const text = readFileSync(join(fixtures ?? '', 'fhir', name), 'utf8');
    const result = await read(text);
    const resources = JSON.parse(text);
    const eobs = resources.entry?.map((entry: { resource: object }) => entry.resource) ?? [resources];
    expect(rejects(result)).toEqual([]);
    expect(claims(result)).toHaveLength(eobs.length);
    const check = Compile(Claim);
    claims(result).forEach((claim, index) => {
      expect(check.Check(claim)).toBe(true);
      expect(Object.keys(claim.source ?? {})).toEqual(Object.keys(eobs[index]));
    });
    expect(
      JSON.parse(JSON.stringify(claims(result).map(({ source }) => source)), (_, value) =>
        typeof value === 'string' && /^-?\d+\.\d+$/.test(value) ? Number(value) : value,
      ),
    ).toEqual(
      JSON.parse(JSON.stringify(eobs), (_, value) =>
        typeof value === 'string' && /^-?\d+\.\d+$/.test(value) ? Number(value) : value,
      ),
    );
  });

  it('have the amounts of the Blue Button bundle to the cent', async () => {
    const text = readFileSync(join(fixtures ?? '', 'fhir/bluebutton-eob-search-v2.json'), 'utf8');
    const paid = claims(await read(text)).map(({ total }) => total.paid);
    const expected = JSON.parse(text).entry.map(
      ({
        resource,
      }: {
        resource: {
          item: { adjudication: { category: { coding: { code: string }[] }; amount: { value: number } }[] }[];
        };
      }) =>
        resource.item[0]?.adjudication
          .find(({ category }) => category.coding.some(({ code }) => code === 'benefit'))
          ?.amount.value.toFixed(2),
    );
    expect(paid).toEqual(expected);
  });
});
