import { randomUUID } from 'node:crypto';
import { Compile } from 'typebox/compile';
import { describe, expect, it } from 'vitest';
import { claimId } from '../../src/claims/identity.ts';
import { ClaimDetail } from '../../src/claims/schema.ts';
import { expectFault, expectProblem, importClaims, testApp } from '../support/app.ts';
import { aClaim } from '../support/claims.ts';

const { get, sql, url } = await testApp();

const address = (claim: { identifier: { system: string; value: string } }) =>
  `/api/claims/${claimId(claim.identifier)}`;
const stored = async (id: string) => {
  const [row] = await sql<{ document: string; source: string | null; updatedAt: Date }[]>`
    select document, source, updated_at as "updatedAt" from claims where id = ${id}`;
  if (row === undefined) throw new Error('expected a claim in the database');
  return row;
};

describe('a claim', () => {
  it('is answered as it is stored, byte for byte, with its source and the time of its last change', async () => {
    const claim = aClaim({ source: { NCH_CLM_TYPE_CD: '71', text: 'a "quote", a \\ and \u{1f600}' } });
    await importClaims(url, [claim]);
    const { document, source, updatedAt } = await stored(claimId(claim.identifier));
    const answer = await get(address(claim));
    expect(answer.statusCode).toBe(200);
    expect(answer.headers['content-type']).toBe('application/json; charset=utf-8');
    expect(answer.headers['cache-control']).toBe('private, no-cache');
    expect(answer.body).toBe(`${document.slice(0, -1)},"source":${source},"lastUpdated":"${updatedAt.toISOString()}"}`);
    expect(answer.json()).toEqual({
      ...claim,
      id: claimId(claim.identifier),
      lastUpdated: updatedAt.toISOString(),
    });
  });

  it('has no source where it came without one', async () => {
    const claim = aClaim({ source: undefined });
    await importClaims(url, [claim]);
    const body = (await get(address(claim))).json();
    expect(body).not.toHaveProperty('source');
    expect(body).toMatchObject(claim);
  });

  it.each([
    ['every field', aClaim()],
    [
      'no field that can be left out',
      aClaim({
        subType: undefined,
        created: undefined,
        patient: { system: undefined, name: undefined, birthDate: undefined, gender: undefined },
        insurer: undefined,
        provider: undefined,
        careTeam: undefined,
        diagnosis: [],
        procedure: [],
        supportingInfo: undefined,
        item: [],
        adjudication: undefined,
        total: { charge: undefined, allowed: undefined, paid: undefined, patientResponsibility: undefined },
        payment: undefined,
        source: undefined,
      }),
    ],
  ])('with %s is of the schema that is declared for it', async (_what, claim) => {
    await importClaims(url, [claim]);
    const body = (await get(address(claim))).json();
    expect([...Compile(ClaimDetail).Errors(body)]).toEqual([]);
  });

  it('is answered in its current state', async () => {
    const claim = aClaim({ status: 'pending' });
    await importClaims(url, [claim]);
    const before = (await get(address(claim))).json();
    await importClaims(url, [{ ...claim, status: 'denied' }]);
    const after = (await get(address(claim))).json();
    expect(after.status).toBe('denied');
    expect(after.id).toBe(before.id);
    expect(Date.parse(after.lastUpdated)).toBeGreaterThan(Date.parse(before.lastUpdated));
  });

  it('is not changed by a load that brings it as it is', async () => {
    const claim = aClaim();
    await importClaims(url, [claim]);
    const before = (await get(address(claim))).body;
    await importClaims(url, [claim, aClaim()]);
    expect((await get(address(claim))).body).toBe(before);
  });

  it('is found by its id in capitals', async () => {
    const claim = aClaim();
    await importClaims(url, [claim]);
    const answer = await get(`/api/claims/${claimId(claim.identifier).toUpperCase()}`);
    expect(answer.json().id).toBe(claimId(claim.identifier));
  });

  it('that is not there is answered 404', async () => {
    const id = randomUUID();
    const answer = await get(`/api/claims/${id}`);
    expect(expectProblem(answer, 404).type).toBe('urn:claims-api:problem:not-found');
    expect(answer.body).not.toContain(id);
  });

  const id = '5e130059-062c-8ff0-81a6-6cf7cee76c89';
  it.each([
    ['a word', 'x'],
    ['a number', '1'],
    ['nothing', ''],
    ['cut short', id.slice(0, -1)],
    ['too long', `${id}0`],
    ['of other digits', id.replace('5e13', '5g13')],
    ['without hyphens', id.replaceAll('-', '')],
    ['in braces', `{${id}}`],
    ['a URN', `urn:uuid:${id}`],
    ['followed by a line break', `${id}%0a`],
    ['a NUL character', '%00'],
    ['another statement', `${id}%27%3bdrop%20table%20claims`],
  ])('cannot have an id that is %s', async (_what, id) => {
    expectFault(await get(`/api/claims/${id}`), 'id');
  });
});

it.each([
  ['is very long', 'x'.repeat(500)],
  ['is not encoded as it should be', '%zz'],
])('an id that %s is answered with problem details and not repeated', async (_what, id) => {
  const answer = await get(`/api/claims/${id}`);
  expectProblem(answer, 400);
  expect(answer.body).not.toContain(id);
});
