import { Compile } from 'typebox/compile';
import { describe, expect, it } from 'vitest';
import type { Report } from '../../src/claims/messages.ts';
import { Claim } from '../../src/claims/schema.ts';
import { rejectsOf } from '../support/files.ts';
import { messages, read, warnings } from '../support/read-x12.ts';
import { interchange } from '../support/x12.ts';

const schema = Compile(Claim);

describe('a 277', () => {
  const levels = [
    'BHT*0085*08*R1*20240112*1200*TH',
    'HL*1**20*1',
    'NM1*PR*2*PAYER*****PI*PAY1',
    'TRN*1*T1',
    'DTP*050*D8*20240111',
    'HL*2*1*21*1',
    'NM1*41*2*SUBMITTER*****46*1',
    'TRN*2*B1',
    'STC*A1:19:PR*20240112*WQ*300',
    'HL*3*2*19*1',
    'NM1*85*2*CLINIC*****XX*1234567893',
  ];
  const patient = (number: string, ...stc: string[]) => [
    'HL*4*3*PT',
    'NM1*QC*1*DOE*JANE****MI*M1',
    `TRN*2*${number}`,
    ...stc,
    `REF*1K*PCN${number}`,
    'DTP*472*D8*20240105',
  ];
  const a277 = (...patients: string[][]) => interchange('005010X214', [[...levels, ...patients.flat()]]);

  it('says of each claim whether it was accepted, rejected or is pending, and why', async () => {
    const entries = await read(
      a277(
        patient('C1', 'STC*A2:20:PR*20240112*WQ*100'),
        patient('C2', 'STC*A7:562:85*20240112*U*100******A8:145:82'),
        patient('C3', 'STC*P1:20*20240112**100'),
      ),
    );
    expect([...rejectsOf(entries), ...warnings(entries)]).toEqual([]);
    expect(messages(entries)).toMatchObject([
      {
        kind: 'status',
        date: '2024-01-12',
        identifiers: [{ system: 'urn:npi:1234567893', value: 'C1' }],
        payerClaimNumber: 'PCNC1',
        status: 'accepted',
        sets: { statusCode: [{ category: 'A2', status: '20', entity: 'PR', date: '2024-01-12' }] },
      },
      {
        status: 'rejected',
        sets: {
          statusCode: [
            { category: 'A7', status: '562', entity: '85' },
            { category: 'A8', status: '145', entity: '82' },
          ],
        },
      },
      { status: 'pending' },
    ]);
  });

  it('makes a claim also of a patient who is named without a number', async () => {
    const [, , ...rest] = patient('C1', 'STC*A7:562:85*20240112*U*100');
    const [report] = messages(await read(a277(['HL*4*3*PT', 'NM1*QC*1*DOE*JANE', ...rest]))) as Report[];
    expect(report?.draft?.patient).toMatchObject({ id: expect.stringMatching(/^unknown-[0-9a-f]{8}$/) });
    expect(schema.Check(report?.draft)).toBe(true);
  });

  it('rejects a claim also where its receipt is acknowledged before', async () => {
    const [received, accepted, rejected] = messages(
      await read(
        a277(
          patient('C1', 'STC*A1:19*20240112**100'),
          patient('C2', 'STC*A1:19*20240112**100', 'STC*A2:20*20240112**100'),
          patient('C3', 'STC*A1:19*20240112**100******A3:21'),
        ),
      ),
    ) as Report[];
    expect([received, accepted, rejected].map((report) => report?.status)).toEqual([
      'submitted',
      'accepted',
      'rejected',
    ]);
  });

  it('with a segment that no guide has refuses the claim, or the level, that it is of', async () => {
    const good = patient('C1', 'STC*A2:20*20240112**100');
    const inClaim = await read(a277(good, patient('C2', 'STC*A2:20*20240112', 'XYZ*1'), good));
    expect(messages(inClaim)).toHaveLength(2);
    expect(rejectsOf(inClaim)).toMatchObject([{ claim: 'C2', field: 'XYZ' }]);
    const [hl = '', ...rest] = patient('C2', 'STC*A2:20*20240112');
    const inLevel = await read(a277(good, [hl, 'XYZ*1', ...rest], good));
    expect(messages(inLevel)).toHaveLength(2);
    expect(rejectsOf(inLevel)).toMatchObject([{ claim: 'C2', field: 'XYZ' }]);
  });
});
