import { describe, expect, it } from 'vitest';
import { claimId } from '../../src/claims/identity.ts';
import { npiSystem, taxIdSystem } from '../../src/claims/provider-system.ts';
import { importText, testApp } from '../support/app.ts';
import { expectTotalsExact } from '../support/totals.ts';
import { an835, an837, claim, paidClaim } from '../support/x12.ts';

const npi = '1234567893';
const taxId = '123456789';
const idOf = (number: string) => claimId({ system: npiSystem(npi), value: number });

/** The claim with a number of the payer's that it replaces or voids. */
const naming = (original: string, ...[number, charge, frequency]: Parameters<typeof claim>) => {
  const [clm = '', ...rest] = claim(number, charge, frequency);
  return [clm, `REF*F8*${original}`, ...rest];
};

/** Loads these, one after the other, into a database of their own. */
async function loaded(...files: string[]) {
  const app = await testApp();
  const summaries = [];
  for (const file of files) summaries.push(await importText(app.url, file));
  await expectTotalsExact(app.sql);
  const claims = () =>
    app.sql<{ id: string; number: string; status: string; paid: string; document: string; version: number }[]>`
      select id, identifier_value as number, status, charge, paid, version, document from claims order by id`;
  const counts = () => app.sql`select added::int, changed::int, unchanged::int from imports order by started_at`;
  return { ...app, summaries, claims, counts };
}

describe('an 837 that replaces', () => {
  it("ends the claim that it names by the payer's number, and both name each other", async () => {
    const { claims, get } = await loaded(
      an837(claim('C1')),
      an835('70', paidClaim('C1')),
      an837(naming('PCN1', 'C2', '90', '7')),
    );
    const [old, next, ...more] = (await claims()).sort((a, b) => a.number.localeCompare(b.number));
    expect(more).toEqual([]);
    expect(old).toMatchObject({ id: idOf('C1'), status: 'replaced', charge: '100.00', paid: '70.00' });
    expect(next).toMatchObject({ id: idOf('C2'), status: 'submitted', charge: '90.00', paid: null });
    expect(JSON.parse(old?.document ?? '').related).toEqual([
      { relationship: 'replacedBy', system: npiSystem(npi), value: 'C2' },
    ]);
    expect(JSON.parse(next?.document ?? '').related).toEqual([{ relationship: 'replaces', value: 'PCN1' }]);
    const { states } = (await get(`/api/claims/${idOf('C1')}/history`)).json();
    expect(states.map(({ claim: state }: { claim: { status: string } }) => state.status)).toEqual([
      'replaced',
      'paid',
      'submitted',
    ]);
    expect(states[1].endedBy).toMatchObject({ message: { type: 'submission' } });
  });

  it('under the same number is the claim from then on, without what was said of the one before', async () => {
    const { claims } = await loaded(
      an837(claim('C1')),
      an835('70', paidClaim('C1')),
      an837(naming('PCN1', 'C1', '90', '7')).replace('*20240110*', '*20240210*'),
    );
    expect(await claims()).toMatchObject([{ status: 'submitted', charge: '90.00', paid: null, version: 3 }]);
  });
});

describe('an 837 that voids', () => {
  it('cancels the claim of the same number', async () => {
    const { claims } = await loaded(an837(claim('C1')), an837(claim('C1', '100', '8')));
    expect(await claims()).toMatchObject([{ number: 'C1', status: 'cancelled', charge: '100.00' }]);
  });

  it("cancels the claim that it names by the payer's number, and is no claim itself", async () => {
    const { claims } = await loaded(
      an837(claim('C1')),
      an835('70', paidClaim('C1')),
      an837(naming('PCN1', 'C9', '100', '8')),
    );
    expect(await claims()).toMatchObject([{ number: 'C1', status: 'cancelled' }]);
  });

  it.each([
    ['that is there', false],
    ['that comes before them', true],
  ])('cancels a claim %s, though another message of its file pays it', async (_, inOneFile) => {
    const voided = an837(claim('C1', '100', '8')).replace('*20240110*', '*20240210*');
    const files = [an837(claim('C1')), `${an835('70', paidClaim('C1'))}${voided}`];
    const { claims } = await loaded(...(inOneFile ? [files.join('')] : files));
    expect(await claims()).toMatchObject([{ number: 'C1', status: 'cancelled', paid: '70.00', version: 3 }]);
  });

  it('cancels also what comes after it', async () => {
    const { claims } = await loaded(an837(claim('C1', '100', '8')), an837(claim('C1')));
    expect(await claims()).toMatchObject([{ number: 'C1', status: 'cancelled' }]);
  });
});

describe('an 837 that names a claim by the number of its payer', () => {
  const original = an837(claim('C1'));
  const remittance = an835('70', paidClaim('C1'));

  it.each([
    ['replaces it', '7'],
    ['voids it', '8'],
  ])('%s, whichever is loaded first', async (_, frequency) => {
    const ending = an837(naming('PCN1', 'C2', '90', frequency)).replace('*20240110*', '*20240210*');
    const standing = async (...files: string[]) => {
      const { claims } = await loaded(...files);
      return (await claims()).map(({ version: _, ...row }) => row);
    };
    const expected = await standing(original, remittance, ending);
    expect(expected.find(({ number }) => number === 'C1')?.status).toBe(frequency === '7' ? 'replaced' : 'cancelled');
    expect(await standing(original, ending, remittance)).toEqual(expected);
    expect(await standing(remittance, ending, original)).toEqual(expected);
    expect(await standing(remittance, original, ending)).toEqual(expected);
    expect(await standing(ending, original, remittance)).toEqual(expected);
    expect(await standing(ending, remittance, original)).toEqual(expected);
  });

  it("by the provider's number too, and in one file with it", async () => {
    const { claims } = await loaded(an837(naming('C1', 'C2', '90', '8')), an837(claim('C1')));
    expect(await claims()).toMatchObject([{ number: 'C1', status: 'cancelled' }]);
    const together = await loaded(an837(naming('C1', 'C2', '90', '8'), claim('C1')));
    expect(await together.claims()).toMatchObject([{ number: 'C1', status: 'cancelled' }]);
  });
});

describe('a remittance whose payee has only its tax number', () => {
  const byTaxId = an835('70', paidClaim()).replace('N1*PE*CLINIC*XX*1234567893', `N1*PE*CLINIC*FI*${taxId}`);

  it('comes to one claim with its 837, whichever is loaded first', async () => {
    const inOrder = await loaded(an837(claim()), byTaxId);
    const reversed = await loaded(byTaxId, an837(claim()));
    const [first, ...more] = await inOrder.claims();
    expect(more).toEqual([]);
    expect(first).toMatchObject({ id: idOf('C1'), status: 'paid', charge: '100.00', paid: '70.00' });
    const [second, ...others] = await reversed.claims();
    expect(others).toEqual([]);
    expect(second).toMatchObject({ id: idOf('C1'), document: first?.document });
    const provisional = claimId({ system: taxIdSystem(taxId), value: 'C1' });
    // It keeps its place in the lists of the time when it stood: it was the first that came.
    const ended = await reversed.sql`select id, arrival, ended_message is not null as told from claim_history`;
    expect(ended).toContainEqual({ id: provisional, arrival: '1', told: true });
  });
});

describe("a remittance without the provider's number of its claim", () => {
  it("is of the claim that has the payer's number, and else makes one that goes by it", async () => {
    const numberless = [...paidClaim('0')].map((text) => text.replace('*70*20*', '*60*30*'));
    const later = an835('60', numberless).replace('*20240121', '*20240221');
    const known = await loaded(an837(claim()), an835('70', paidClaim()), later);
    expect(await known.claims()).toMatchObject([{ number: 'C1', status: 'paid', paid: '60.00' }]);
    const unknown = await loaded(later, later.replace('PCN1', 'PCN2'));
    expect((await unknown.claims()).map(({ number }) => number).sort()).toEqual(['PCN1', 'PCN2']);
  });
});

describe('remittances of several claims under one number of the payer', () => {
  const [mine, next] = [paidClaim('C1'), paidClaim('C2').map((text) => text.replace('*70*20*', '*60*30*'))];
  const standing = async (...files: string[]) =>
    (await (await loaded(...files)).claims()).map((row) => [row.number, row.status, row.paid]).sort();

  it('are each of the claim that has the number of the provider, too', async () => {
    const expected = [
      ['C1', 'paid', '70.00'],
      ['C2', 'paid', '60.00'],
    ];
    expect(await standing(an837(claim('C1'), claim('C2')), an835('130', mine, next))).toEqual(expected);
  });

  it('make claims of their own where they are of different patients', async () => {
    const other = next.map((text) => text.replace('DOE*JANE****MI*M1', 'ROE*RICHARD****MI*M7'));
    expect(await standing(an835('130', mine, other))).toEqual([
      ['C1', 'paid', '70.00'],
      ['C2', 'paid', '60.00'],
    ]);
  });
});

describe('claims that are sent again', () => {
  it('change nothing where they are the same', async () => {
    const { claims, summaries, counts } = await loaded(
      an837(claim(), claim('C2')),
      an837(claim('C2'), claim(), claim('C3')),
    );
    expect(summaries[1]).toMatchObject({ completed: 1, rejected: 0 });
    expect((await claims()).map(({ version }) => version)).toEqual([1, 1, 1]);
    expect((await counts()).at(-1)).toEqual({ added: 1, changed: 0, unchanged: 2 });
  });

  it('stand as the last of them, where a file has one several times', async () => {
    const { claims, counts } = await loaded(an837(claim()), an837(claim(), claim('C1', '90'), claim()));
    expect(await claims()).toMatchObject([{ charge: '100.00', version: 3 }]);
    expect((await counts()).at(-1)).toEqual({ added: 0, changed: 2, unchanged: 1 });
  });
});

/** A batch begins behind them, and is taken to be of new claims as they are. */
describe('claims behind 500 new ones in a file', () => {
  const many = Array.from({ length: 500 }, (_, index) => claim(`N${index}`));

  it('are compared with those that are known', async () => {
    const { claims, counts } = await loaded(
      an837(claim(), claim('C2')),
      an837(...many, claim('C1', '90'), claim('C2'), claim('C3'), claim('C3', '80')),
    );
    expect((await counts()).at(-1)).toEqual({ added: 501, changed: 2, unchanged: 1 });
    const known = (await claims()).filter(({ number }) => number.startsWith('C'));
    expect(known.sort((a, b) => a.number.localeCompare(b.number))).toMatchObject([
      { number: 'C1', charge: '90.00', version: 2 },
      { number: 'C2', charge: '100.00', version: 1 },
      { number: 'C3', charge: '80.00', version: 2 },
    ]);
  });

  it('are what was paid by the tax number of their provider', async () => {
    const byTaxId = an835('70', paidClaim()).replace('*XX*1234567893', `*FI*${taxId}`);
    const { claims, counts } = await loaded(byTaxId, an837(...many, claim()));
    expect(await claims()).toHaveLength(501);
    expect((await claims()).find(({ number }) => number === 'C1')).toMatchObject({ id: idOf('C1'), paid: '70.00' });
    expect((await counts()).at(-1)).toEqual({ added: 501, changed: 0, unchanged: 0 });
  });

  it('are ended by what was loaded before them', async () => {
    const { claims } = await loaded(an837(naming('C1', 'V1', '100', '8')), an837(...many, claim()));
    expect((await claims()).filter(({ number }) => !number.startsWith('N'))).toMatchObject([
      { number: 'C1', status: 'cancelled' },
    ]);
  });
});
