import { describe, expect, it } from 'vitest';
import { claimId } from '../../src/claims/identity.ts';
import type { Claim } from '../../src/claims/schema.ts';
import { expectFault, expectProblem, importClaims, importText, testApp } from '../support/app.ts';
import { aClaim } from '../support/claims.ts';

const { get, sql, token, url } = await testApp();

const idOf = (claim: Claim) => claimId(claim.identifier);
const charged = (claim: Claim, charge: string): Claim => ({ ...claim, total: { charge } });
const states = async (id: string, query = '') => (await get(`/api/claims/${id}/history${query}`)).json();

describe('the history of a claim', () => {
  it('lists its states, the latest first, each with the import that brought it and the one that ended it', async () => {
    const claim = aClaim();
    await importClaims(url, [charged(claim, '1.00')], 'first.ndjson');
    await importClaims(url, [aClaim(), charged(claim, '2.00')], 'second.ndjson');
    const { states: listed, next } = await states(idOf(claim));
    expect(next).toBeNull();
    expect(listed).toMatchObject([
      {
        version: 2,
        until: null,
        broughtBy: {
          import: { file: 'second.ndjson', format: 'ndjson' },
          message: { type: 'claim', unit: 'line', position: 2 },
        },
        endedBy: null,
        claim: { total: { charge: '2.00' } },
      },
      {
        version: 1,
        broughtBy: { import: { file: 'first.ndjson' }, message: { position: 1 } },
        endedBy: { import: { file: 'second.ndjson' }, message: { type: 'claim', unit: 'line', position: 2 } },
        claim: { total: { charge: '1.00' } },
      },
    ]);
    expect(listed[1].until).toBe(listed[0].from);
    expect(listed[0].claim.lastUpdated).toBe(listed[0].from);
  });

  it('pages', async () => {
    const claim = aClaim();
    for (const charge of ['1.00', '2.00', '3.00']) await importClaims(url, [charged(claim, charge)]);
    const first = await states(idOf(claim), '?limit=2');
    expect(first.states.map((state: { version: number }) => state.version)).toEqual([3, 2]);
    const second = await states(idOf(claim), `?limit=2&cursor=${first.next}`);
    expect(second).toMatchObject({ states: [{ version: 1 }], next: null });
    expectFault(await get(`/api/claims/${idOf(claim)}/history?cursor=x`), 'cursor');
  });

  it('is not found of a claim that never was', async () => {
    expectProblem(await get(`/api/claims/${idOf(aClaim())}/history`), 404);
  });

  it('needs the scope to read claims', async () => {
    expectProblem(await get(`/api/claims/${idOf(aClaim())}/history`, await token(['imports:read'])), 403);
  });
});

describe('asOf', () => {
  /** A claim of two states, and the times that they came at. */
  async function changed() {
    const claim = aClaim({ patient: { id: `P${Math.random()}` } });
    await importClaims(url, [charged(claim, '1.00')]);
    await importClaims(url, [charged(claim, '2.00')]);
    const { states: listed } = await states(idOf(claim));
    return { claim, first: listed[1].from as string, second: listed[0].from as string };
  }
  const justBefore = (time: string) => new Date(new Date(time).getTime() - 1).toISOString();

  it('answers a claim as it stood then', async () => {
    const { claim, first, second } = await changed();
    const at = async (time: string) => (await get(`/api/claims/${idOf(claim)}?asOf=${time}`)).json();
    expect(await at(first)).toMatchObject({ total: { charge: '1.00' }, lastUpdated: first, source: claim.source });
    expect(await at(justBefore(second))).toMatchObject({ total: { charge: '1.00' } });
    expect(await at(second)).toMatchObject({ total: { charge: '2.00' }, lastUpdated: second });
    expect(await at('2999-01-01T00:00:00Z')).toMatchObject({ total: { charge: '2.00' } });
    expectProblem(await get(`/api/claims/${idOf(claim)}?asOf=${justBefore(first)}`), 404);
  });

  it('lists claims as they stood then, with the filters of the list', async () => {
    const { claim, first, second } = await changed();
    const at = async (time: string) =>
      (await get(`/api/claims?patient=${claim.patient.id}&asOf=${time}`)).json().claims;
    expect(await at(justBefore(first))).toEqual([]);
    expect(await at(first)).toMatchObject([{ total: { charge: '1.00' } }]);
    expect(await at(second)).toMatchObject([{ total: { charge: '2.00' } }]);
    const denied = await get(`/api/claims?patient=${claim.patient.id}&status=denied&asOf=${first}`);
    expect(denied.json().claims).toEqual([]);
  });

  it.each(['serviceDate', '-serviceDate'])('pages by %s through current and earlier states alike', async (sort) => {
    const patient = { id: `P${Math.random()}` };
    const claims = Array.from({ length: 7 }, (_, index) =>
      aClaim({ patient, billablePeriod: { start: `2024-01-0${1 + (index % 3)}`, end: '2024-02-01' } }),
    );
    await importClaims(
      url,
      claims.map((claim) => charged(claim, '1.00')),
    );
    const [{ time } = { time: '' }] =
      await sql`select max(updated_at)::text as time from claims where patient_id = ${patient.id}`;
    const asOf = new Date(`${time}`).toISOString();
    await new Promise((resolve) => setTimeout(resolve, 5));
    await importClaims(
      url,
      claims.filter((_, index) => index % 2 === 0).map((claim) => charged(claim, '2.00')),
    );
    const listed: Claim[] = [];
    let cursor = '';
    do {
      const page = (await get(`/api/claims?patient=${patient.id}&limit=2&sort=${sort}&asOf=${asOf}${cursor}`)).json();
      listed.push(...page.claims);
      cursor = page.next ? `&cursor=${page.next}` : '';
    } while (cursor);
    expect(listed.map(({ total }) => total.charge)).toEqual(Array(7).fill('1.00'));
    const oldestFirst = claims.toSorted((a, b) => a.billablePeriod.start.localeCompare(b.billablePeriod.start));
    const expected = sort === 'serviceDate' ? oldestFirst : oldestFirst.reverse();
    expect(listed.map(idOf)).toEqual(expected.map(idOf));
  });

  it('refuses a cursor of another time, and what is no time', async () => {
    const { claim, first, second } = await changed();
    await importClaims(url, [aClaim({ patient: claim.patient })]);
    const page = (await get(`/api/claims?patient=${claim.patient.id}&limit=1&asOf=2999-01-01T00:00:00Z`)).json();
    expectFault(
      await get(`/api/claims?patient=${claim.patient.id}&limit=1&asOf=${first}&cursor=${page.next}`),
      'cursor',
    );
    const yesterday = await get(`/api/claims?asOf=yesterday`);
    expectFault(yesterday, 'asOf');
    expect(yesterday.json().detail).toBe('asOf: expected a time with its offset, as yyyy-mm-ddThh:mm:ssZ');
    expectFault(await get(`/api/claims/${idOf(claim)}?asOf=${second.slice(0, 10)}`), 'asOf');
  });
});

describe('the life of a claim', () => {
  const isa = (control: string, kind: string, guide: string, segments: string[]) =>
    `${[
      `ISA*00*          *00*          *ZZ*SENDER         *ZZ*RECEIVER       *240101*1200*^*00501*${control}*0*P*:`,
      `GS*${kind}*S*R*20240101*1200*1*X*${guide}`,
      `ST*${guide.endsWith('X222A1') ? '837' : guide.endsWith('X214') ? '277' : '835'}*0001*${guide}`,
      ...segments,
      `SE*${segments.length + 2}*0001`,
      'GE*1*1',
      `IEA*1*${control}`,
    ].join('~')}~`;
  const claim837 = isa('000000001', 'HC', '005010X222A1', [
    'BHT*0019*00*B1*20240110*1200*CH',
    'NM1*41*2*SUBMITTER*****46*1',
    'NM1*40*2*RECEIVER*****46*2',
    'HL*1**20*1',
    'NM1*85*2*CLINIC*****XX*1234567893',
    'N3*1 MAIN ST',
    'N4*TOWN*NY*10001',
    'REF*EI*123456789',
    'HL*2*1*22*0',
    'SBR*P*18*******CI',
    'NM1*IL*1*DOE*JANE****MI*M1',
    'DMG*D8*19800101*F',
    'NM1*PR*2*PAYER*****PI*PAY1',
    'CLM*LIFE1*150***11:B:1*Y*A*Y*Y',
    'HI*ABK:E119',
    'LX*1',
    'SV1*HC:99213*100*UN*1***1',
    'DTP*472*D8*20240105',
    'LX*2',
    'SV1*HC:83036*50*UN*1***1',
    'DTP*472*D8*20240105',
  ]);
  const status277 = isa('000000002', 'HN', '005010X214', [
    'BHT*0085*08*B2*20240111*1200*TH',
    'HL*1**20*1',
    'NM1*PR*2*PAYER*****PI*PAY1',
    'HL*2*1*21*1',
    'NM1*41*2*SUBMITTER*****46*1',
    'HL*3*2*19*1',
    'NM1*85*2*CLINIC*****XX*1234567893',
    'HL*4*3*PT',
    'NM1*QC*1*DOE*JANE****MI*M1',
    'TRN*2*LIFE1',
    'STC*A2:20*20240111*WQ*150',
    'REF*1K*PCN1',
    'DTP*472*D8*20240105',
  ]);
  const remittance835 = isa('000000003', 'HP', '005010X221A1', [
    'BPR*I*110*C*CHK************20240120',
    'TRN*1*CHECK1*1999999999',
    'DTM*405*20240120',
    'N1*PR*PAYER*XV*PAY1',
    'N1*PE*CLINIC*XX*1234567893',
    'LX*1',
    'CLP*LIFE1*1*150*110*20*12*PCN1*11*1',
    'NM1*QC*1*DOE*JANE****MI*M1',
    'SVC*HC:99213*100*70',
    'DTM*472*20240105',
    'CAS*CO*45*10',
    'CAS*PR*3*20',
    'SVC*HC:83036*50*40',
    'DTM*472*20240105',
    'CAS*CO*45*10',
  ]);
  const id = claimId({ system: 'urn:npi:1234567893', value: 'LIFE1' });

  it('goes from submitted to accepted to paid, each state with the message that ended it', async () => {
    for (const [name, text] of [
      ['1.837', claim837],
      ['2.277', status277],
      ['3.835', remittance835],
    ] as const) {
      expect(await importText(url, text, name)).toMatchObject({ completed: 1, rejected: 0 });
    }
    const { states: listed } = await states(id);
    expect(listed).toMatchObject([
      {
        status: 'paid',
        broughtBy: {
          import: { file: '3.835' },
          message: { type: 'remittance', reference: 'CHECK1', date: '2024-01-20' },
        },
      },
      { status: 'accepted', endedBy: { import: { file: '3.835' }, message: { type: 'remittance', position: 10 } } },
      { status: 'submitted', endedBy: { import: { file: '2.277' }, message: { type: 'status', reference: 'B2' } } },
    ]);
    const claim = (await get(`/api/claims/${id}`)).json();
    expect(claim).toMatchObject({
      status: 'paid',
      statusCode: [{ category: 'A2', status: '20', date: '2024-01-11' }],
      otherIdentifier: [{ type: 'payer-claim-control-number', value: 'PCN1' }],
      diagnosis: [{ code: 'E119' }],
      total: { charge: '150.00', allowed: '130.00', paid: '110.00', patientResponsibility: '20.00' },
      payment: { amount: '110.00', date: '2024-01-20', identifier: 'CHECK1' },
      item: [
        {
          charge: '100.00',
          allowed: '90.00',
          paid: '70.00',
          adjudication: [
            { group: 'CO', amount: '10.00' },
            { group: 'PR', amount: '20.00' },
          ],
        },
        { charge: '50.00', allowed: '40.00', paid: '40.00' },
      ],
    });
    expect(claim).not.toHaveProperty('imbalance');
  });

  it('comes to the same whatever the order its messages are loaded in', async () => {
    const standing = async (app: Awaited<ReturnType<typeof testApp>>) => {
      const { lastUpdated: _, ...claim } = (await app.get(`/api/claims/${id}`)).json();
      return claim;
    };
    const orders = [
      [claim837, status277, remittance835],
      [remittance835, claim837, status277],
      [status277, remittance835, claim837],
    ];
    const results: unknown[] = [];
    for (const order of orders) {
      const app = await testApp();
      for (const text of order) await importText(app.url, text);
      results.push(await standing(app));
    }
    expect(results[1]).toEqual(results[0]);
    expect(results[2]).toEqual(results[0]);
  });
});
