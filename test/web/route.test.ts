import { expect, test } from 'vitest';
import { allClaims, allImports, claimsBy, formatHash, importBy, parseHash, type Route } from '../../src/web/route.ts';

const id = '0190a6d2-7c3e-8f00-9abc-0123456789ab';

const routes: [string, Route][] = [
  ['all claims', allClaims],
  ['one filter', claimsBy({ patient: '-10000010' })],
  ['values that need escaping', claimsBy({ provider: 'a&b=c?#%é +', diagnosis: 'E11.9' })],
  [
    'every part of a list',
    {
      view: 'claims',
      filters: {
        patient: '1',
        status: 'denied',
        type: 'pharmacy',
        subType: 'pde',
        serviceFrom: '2024-01-01',
        serviceTo: '2024-12-31',
        provider: '1999999999',
        payer: 'S5601',
        diagnosis: 'I10',
        procedure: '99213',
        updatedSince: '2026-01-05T08:30:00Z',
      },
      sort: 'serviceDate',
      cursor: 'eyJ+/=',
    },
  ],
  ['one claim', { view: 'claim', id }],
  ['the imports', allImports],
  ['a later page of the imports', { view: 'imports', cursor: 'eyJ+/=' }],
  ['one import', importBy(id)],
  ['a page of the warnings of an import', { view: 'import', id, kind: 'warning', cursor: 'eyJ+/=' }],
];

test.each(routes)('gives %s back from its address', (_name, route) => {
  expect(parseHash(formatHash(route))).toEqual(route);
});

test.each(['', '#', '#/', '#/claims', '#/claims?', '#/claims?patient=&sort=upwards&colour=red'])(
  'takes %j for all claims, newest first',
  (hash) => {
    expect(parseHash(hash)).toEqual(allClaims);
  },
);

test('writes equal filters to equal addresses', () => {
  expect(formatHash(parseHash('#/claims?status=paid&patient=7'))).toBe('#/claims?patient=7&status=paid');
  expect(formatHash(allClaims)).toBe('#/claims');
});

test('keeps a value that is no choice, for the service to judge', () => {
  expect(parseHash('#/claims?status=lost')).toEqual(claimsBy({ status: 'lost' }));
});

test('takes a kind that there is not for both', () => {
  expect(parseHash(`#/imports/${id}?kind=error`)).toEqual(importBy(id));
});

test.each([
  '#/claims/',
  '#/imports/',
  '#/imports/17',
  '#/claims/17',
  `#/claims/${id}/items`,
  '#/claims/..%2Fimports',
  '#/elsewhere',
  '#claims',
])('knows no page at %s', (hash) => {
  expect(parseHash(hash)).toEqual({ view: 'missing' });
});

test('reads the id of a claim in capitals as the same claim', () => {
  expect(parseHash(`#/claims/${id.toUpperCase()}`)).toEqual({ view: 'claim', id });
});
