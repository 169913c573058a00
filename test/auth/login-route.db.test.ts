import { describe, expect, it } from 'vitest';
import { claimId } from '../../src/claims/identity.ts';
import { expectFault, expectProblem, importClaims, testApp, user } from '../support/app.ts';
import { aClaim } from '../support/claims.ts';

const { get, login, url } = await testApp();

const claim = aClaim({ patient: { id: 'P1' } });
await importClaims(url, [claim]);

describe('logging in', () => {
  it('gives the token that opens the list', async () => {
    const answer = await login({ username: user.name, password: user.password });
    expect(answer.statusCode).toBe(200);
    const list = await get('/api/claims?patient=P1', answer.json().token);
    expect(list.json().claims.map(({ id }: { id: string }) => id)).toEqual([claimId(claim.identifier)]);
    expect((await get('/api/imports', answer.json().token)).statusCode).toBe(200);
  });

  it('checks the password', async () => {
    expectProblem(await login({ username: user.name, password: `${user.password}x` }), 401);
  });

  it.each<[string, string | object, Record<string, string>, number]>([
    ['no JSON', '{"username":', {}, 400],
    ['empty', '', {}, 400],
    ['another JSON value', '[]', {}, 400],
    ['of JSON that would set a prototype', '{"__proto__":{"x":1},"username":"a","password":"b"}', {}, 400],
    ['ten megabytes', JSON.stringify({ username: 'a'.repeat(10_000_000), password: 'b' }), {}, 413],
    ['a form', 'username=ada', { 'content-type': 'application/x-www-form-urlencoded' }, 415],
    ['plain text', '{}', { 'content-type': 'text/plain' }, 415],
    ['of a content type that is none', '{}', { 'content-type': 'x' }, 415],
  ])('with a body that is %s is refused', async (_what, payload, headers, status) => {
    expectProblem(await login(payload, headers), status);
  });

  it('names the field that is wrong', async () => {
    expectFault(await login({ username: user.name }), 'password');
    expectFault(await login({ username: user.name, password: 'x', otp: '1' }), 'otp');
  });
});
