import { Compile } from 'typebox/compile';
import { describe, expect, it } from 'vitest';
import { applyReport, applySubmission } from '../../src/claims/lifecycle.ts';
import type { Report, Submission } from '../../src/claims/messages.ts';
import { renderClaim } from '../../src/claims/render.ts';
import { Claim } from '../../src/claims/schema.ts';
import { rejectsOf } from '../support/files.ts';
import { messages, read, submissions, warnings } from '../support/read-x12.ts';
import { an835, an837, claim, paidClaim } from '../support/x12.ts';

const schema = Compile(Claim);

describe('an 835', () => {
  const reports = async (text: string) => messages(await read(text)) as Report[];

  it('sets status, amounts, adjustments and payment of its claim', async () => {
    const entries = await read(an835('70', paidClaim()));
    expect(warnings(entries)).toEqual([]);
    const [report] = messages(entries) as Report[];
    expect(report).toMatchObject({
      kind: 'remittance',
      date: '2024-01-21',
      reference: 'CHECK1',
      identifiers: [{ system: 'urn:npi:1234567893', value: 'C1' }],
      payerClaimNumber: 'PCN1',
      status: 'paid',
      sets: {
        total: { charge: '100.00', allowed: '90.00', paid: '70.00', patientResponsibility: '20.00' },
        payment: { amount: '70.00', date: '2024-01-20', identifier: 'CHECK1' },
        item: [
          {
            charge: '100.00',
            paid: '70.00',
            allowed: '90.00',
            adjudication: [
              { category: 'adjustment', group: 'CO', reason: { system: 'CARC', code: '45' }, amount: '10.00' },
              { category: 'adjustment', group: 'PR', reason: { system: 'CARC', code: '3' }, amount: '20.00' },
            ],
          },
        ],
      },
    });
  });

  it.each([
    [
      'a line',
      [
        'CLP*C1*1*100*70*20*12*P*11*1',
        ...paidClaim().slice(1, 2),
        'SVC*HC:99213*100*75',
        'DTM*472*20240105',
        'CAS*CO*45*30',
      ],
      'SVC03',
      '-5.00',
    ],
    ['the claim', ['CLP*C1*1*100*60*20*12*P*11*1', ...paidClaim().slice(1)], 'CLP04', '10.00'],
  ])(
    'that does not balance by %s is taken, flagged, and its difference shown',
    async (_, segments, field, difference) => {
      const entries = await read(an835(segments[0]?.includes('*60*') ? '60' : '70', segments));
      const [report] = messages(entries) as Report[];
      expect(report?.sets.imbalance).toMatchObject([{ difference }]);
      expect(warnings(entries)).toMatchObject([
        { claim: 'C1', field, reason: expect.stringContaining(`difference of ${difference}`) },
      ]);
    },
  );

  it('whose payment is not the sum of its claims less provider adjustments is taken with a warning', async () => {
    const entries = await read(an835('65', paidClaim(), ['PLB*1234567893*20241231*CV:X*4']));
    expect(messages(entries)).toHaveLength(1);
    expect(warnings(entries)).toMatchObject([
      { claim: 'X', field: 'PLB03' },
      { field: 'BPR02', reason: expect.stringContaining('66.00, found 65.00') },
    ]);
    expect(warnings(await read(an835('66', paidClaim(), ['PLB*1234567893*20241231*CV:X*4'])))).toHaveLength(1);
  });

  it('and its 837 make the same claim in either order', async () => {
    const [submission] = await submissions(an837(claim()));
    const [report] = await reports(an835('70', paidClaim()));
    if (!submission || !report) throw new Error('expected both');
    const identifier = submission.claim.identifier;
    const one = applyReport(applySubmission(undefined, submission), report, identifier) as Claim;
    const other = applySubmission(applyReport(undefined, report, identifier), submission);
    expect(renderClaim(other).document).toBe(renderClaim(one).document);
    expect(one).toMatchObject({ status: 'paid', diagnosis: [{ code: 'E119' }, {}], total: { paid: '70.00' } });
    expect(schema.Check(one)).toBe(true);
    expect(applyReport(one, report, identifier)).toBe(one);
    expect(applySubmission(one, submission)).toBe(one);
  });

  it('may have several payees, each of the claims behind it', async () => {
    const [first, second] = [
      paidClaim(),
      ['N1*PE*OTHER*XX*1999999984', 'REF*TJ*98-7654321', 'LX*2', ...paidClaim('C2')],
    ];
    const found = await reports(an835('140', first, second));
    expect(found.map(({ identifiers }) => identifiers[0])).toEqual([
      { system: 'urn:npi:1234567893', value: 'C1' },
      { system: 'urn:npi:1999999984', value: 'C2' },
    ]);
    expect(found[0]?.sets.item).toHaveLength(1);
    expect(JSON.stringify(found[0])).not.toContain('98-7654321');
  });

  it('may name its payee by its tax number in REF*TJ alone', async () => {
    const text = an835('70', paidClaim()).replace('N1*PE*CLINIC*XX*1234567893~', 'N1*PE*CLINIC~REF*TJ*12-3456789~');
    const [report] = await reports(text);
    expect(report).toMatchObject({
      identifiers: [{ system: 'urn:ein:123456789', value: 'C1' }],
      taxId: '123456789',
      draft: { provider: { id: '123456789', name: 'CLINIC' } },
    });
  });

  it.each(['', '0'])("goes by the payer's number where its claim has none of the provider: '%s'", async (none) => {
    const [one, other] = [paidClaim(none), paidClaim(none)];
    const found = await reports(
      an835(
        '140',
        one,
        [...other].map((text) => text.replace('PCN1', 'PCN2')),
      ),
    );
    expect(found.map(({ identifiers }) => identifiers[0]?.value)).toEqual(['PCN1', 'PCN2']);
    const entries = await read(an835('70', [`CLP*${none}*1*100*70*20*12**11*1`, ...paidClaim().slice(1)]));
    expect(rejectsOf(entries)).toMatchObject([{ field: 'CLP01' }]);
  });

  it('makes a claim also where its day stands behind the qualifier of a line', async () => {
    const [report] = await reports(
      an835('70', [...paidClaim().slice(0, 2), 'DTM*472*20240105', 'CAS*CO*45*10', 'CAS*PR*3*20']),
    );
    expect(report?.draft?.billablePeriod).toEqual({ start: '2024-01-05', end: '2024-01-05' });
  });

  it('makes a claim also of a patient who is named without a number', async () => {
    const segments = paidClaim().map((text) => text.replace('DOE*JANE****MI*M1', 'DOE*JANE'));
    const [report] = await reports(an835('70', segments));
    expect(report?.draft?.patient).toMatchObject({
      id: expect.stringMatching(/^unknown-[0-9a-f]{8}$/),
      name: { family: 'DOE', given: 'JANE' },
    });
    expect(schema.Check(report?.draft)).toBe(true);
  });

  it.each([
    [
      'recoded',
      ['SVC*HC:99213:25*60*40**1*HC:99214', 'DTM*472*20240105', 'CAS*CO*45*20', 'SVC*HC:99214*40*30', 'CAS*CO*45*10'],
      [
        { charge: '40.00', paid: '30.00', allowed: '30.00' },
        { charge: '60.00', paid: '40.00', allowed: '40.00' },
      ],
    ],
    [
      'split',
      [
        ...['SVC*HC:99214*25*20', 'CAS*CO*45*5', 'REF*6R*L1', 'SVC*HC:99214*15*10', 'CAS*CO*45*5', 'REF*6R*L1'],
        ...['SVC*HC:A0425*60*40', 'CAS*CO*45*20', 'REF*6R*L2'],
      ],
      [
        { charge: '40.00', paid: '30.00', allowed: '30.00' },
        { charge: '60.00', paid: '40.00', allowed: '40.00' },
      ],
    ],
  ])('that has the lines of its claim %s sets them all the same', async (_, services, lines) => {
    const [submission] = await submissions(
      an837([
        'CLM*C1*100***11:B:1*Y*A*Y*Y',
        'HI*ABK:E119',
        ...['LX*1', 'SV1*HC:99214*40*UN*1***1', 'DTP*472*D8*20240105', 'REF*6R*L1'],
        ...['LX*2', 'SV1*HC:A0425*60*UN*1***1', 'DTP*472*D8*20240105', 'REF*6R*L2'],
      ]),
    );
    const [report] = await reports(an835('70', [...paidClaim().slice(0, 2), ...services]));
    if (!submission || !report) throw new Error('expected both');
    const settled = applyReport(applySubmission(undefined, submission), report, submission.claim.identifier);
    expect(settled?.item).toHaveLength(2);
    expect(settled?.item).toMatchObject(lines);
  });

  it('reverses, and pays anew', async () => {
    const [submission] = await submissions(an837(claim()));
    const reversal = [
      'CLP*C1*22*-100*-70*-20*12*PCN1*11*1',
      'NM1*QC*1*DOE*JANE****MI*M1',
      'SVC*HC:99213:25*-100*-70',
      'DTM*472*20240105',
      'CAS*CO*45*-10',
      'CAS*PR*3*-20',
    ];
    const corrected = [
      'CLP*C1*1*100*80*10*12*PCN2*11*1',
      'NM1*QC*1*DOE*JANE****MI*M1',
      'SVC*HC:99213:25*100*80',
      'DTM*472*20240105',
      'CAS*CO*45*10',
      'CAS*PR*3*10',
    ];
    const found = await reports(an835('80', paidClaim(), reversal, corrected));
    const states = [applySubmission(undefined, submission as Submission)];
    for (const report of found)
      states.push(applyReport(states.at(-1), report, report.identifiers[0] as never) as Claim);
    expect(states.map(({ status, total }) => [status, total.paid])).toEqual([
      ['submitted', undefined],
      ['paid', '70.00'],
      ['reversed', '0.00'],
      ['paid', '80.00'],
    ]);
  });
});
