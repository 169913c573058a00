import { describe, expect, it } from 'vitest';
import { claimId } from '../../src/claims/identity.ts';
import { importClaims, testApp } from '../support/app.ts';
import { aClaim } from '../support/claims.ts';

const { get, request, sql, url, token } = await testApp();

const claim = aClaim({ patient: { id: 'again' } });
const id = claimId(claim.identifier);
await importClaims(url, [claim]);

const addresses = [
  '/api/claims',
  '/api/claims?type=professional&limit=3',
  '/api/claims?patient=again',
  '/api/claims?diagnosis=E11.9',
  '/api/claims?patient=nobody',
  `/api/claims/${id}`,
  '/api/claims/summary?by=type',
  '/api/claims/summary?by=type&type=vision',
  `/api/claims/${id}/history`,
  '/api/claims?asOf=2030-01-01T00:00:00Z',
];
const tagged = (url: string, tag: unknown) => request({ url, headers: { 'if-none-match': String(tag) } });

describe.each(addresses)('%s', (address) => {
  it('is not sent again as long as no claim changed', async () => {
    const { headers, statusCode } = await get(address);
    expect(statusCode).toBe(200);
    expect(await tagged(address, headers.etag)).toMatchObject({ statusCode: 304, body: '' });
    // The same claim again, which changes nothing.
    await importClaims(url, [claim]);
    expect((await tagged(address, headers.etag)).statusCode).toBe(304);
  });

  it('is sent anew after any import that changed a claim', async () => {
    const before = await get(address);
    await importClaims(url, [aClaim()]);
    const answer = await tagged(address, before.headers.etag);
    expect(answer.statusCode).toBe(200);
    expect(answer.headers.etag).not.toBe(before.headers.etag);
  });

  it('is answered from memory when it is asked for again', async () => {
    const answers = [await get(address), await get(address)];
    // Behind the service's back: no import, so no other version.
    await sql`update claims set document = replace(document, '"professional"', '"vision"')`;
    answers.push(await get(address), await get(address));
    await sql`update claims set document = replace(document, '"vision"', '"professional"')`;
    for (const { body } of answers) expect(body).toBe(answers[0]?.body);
  });

  it('is refused to who may not read claims, whatever is in memory', async () => {
    const { headers } = await get(address);
    await get(address);
    const stranger = await token(['imports:read']);
    expect((await get(address, stranger)).statusCode).toBe(403);
    expect((await get(address, null)).statusCode).toBe(401);
    const answer = await request({ url: address, headers: { 'if-none-match': String(headers.etag) } }, stranger);
    expect(answer.statusCode).toBe(403);
  });
});

it('shows each import as soon as it has ended, to all who ask at the same time', async () => {
  const address = '/api/claims?patient=each';
  let tag = (await get(address)).headers.etag;
  for (let count = 1; count <= 20; count += 1) {
    await importClaims(url, [aClaim({ patient: { id: 'each' } })]);
    const answers = await Promise.all([tagged(address, tag), get(address), get(address), tagged(address, tag)]);
    for (const answer of answers) expect(answer.json().claims).toHaveLength(count);
    tag = answers[0]?.headers.etag;
  }
});

it('has no tag where there is nothing', async () => {
  const answer = await get('/api/claims/00000000-0000-8000-8000-000000000000');
  expect(answer.statusCode).toBe(404);
  expect(answer.headers).not.toHaveProperty('etag');
});
