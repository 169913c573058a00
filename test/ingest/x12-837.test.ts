import { Compile } from 'typebox/compile';
import { describe, expect, it } from 'vitest';
import type { Submission } from '../../src/claims/messages.ts';
import { Claim } from '../../src/claims/schema.ts';
import { rejectsOf } from '../support/files.ts';
import { messages, read, submissions } from '../support/read-x12.ts';
import {
  an837,
  billing,
  claim,
  dental,
  header837,
  institutional,
  interchange,
  line,
  professional,
  subscriber,
} from '../support/x12.ts';

const one = async (...segments: string[]) => {
  const [message] = await submissions(an837(segments));
  return message as Submission;
};
const schema = Compile(Claim);

describe('an 837', () => {
  it('submits a claim with its parties, codes, dates and lines', async () => {
    const message = await one(...claim());
    expect(message).toMatchObject({
      kind: 'submission',
      date: '2024-01-10',
      reference: 'B1',
      frequency: '1',
      taxId: '123456789',
      claim: {
        identifier: { system: 'urn:npi:1234567893', value: 'C1' },
        type: 'professional',
        status: 'submitted',
        patient: { id: 'M1', birthDate: '1980-01-02', gender: 'female', name: { family: 'DOE', given: 'JANE' } },
        insurer: { id: 'PAY1', name: 'PAYER' },
        provider: { id: '1234567893', npi: '1234567893', name: 'CLINIC' },
        billablePeriod: { start: '2024-01-05', end: '2024-01-05' },
        diagnosis: [
          { sequence: 1, type: 'principal', system: 'ICD-10-CM', code: 'E119' },
          { sequence: 2, system: 'ICD-10-CM', code: 'I10' },
        ],
        item: [
          {
            sequence: 1,
            productOrService: { system: 'HCPCS', code: '99213' },
            modifier: ['25'],
            location: '11',
            quantity: '1',
            unit: 'UN',
            charge: '100.00',
            diagnosis: ['E119'],
          },
        ],
        total: { charge: '100.00' },
      },
    });
    expect(schema.Check(message.claim)).toBe(true);
  });

  it('keeps segments that hold anything untaken, by their loop', async () => {
    const { claim: read } = await one(...claim().slice(0, 2), 'NTE*ADD*A NOTE', ...line, 'REF*F4*LAB');
    expect(read.source).toMatchObject({
      segments: { '2300': expect.arrayContaining(['NTE*ADD*A NOTE']), '2400.1': ['REF*F4*LAB'] },
    });
    expect(JSON.stringify(read.source)).toContain('N3*1 MAIN ST');
  });

  it('reads the patient of a dependent, and whose insurance it is', async () => {
    const text = interchange(professional, [
      [
        ...header837,
        ...billing,
        ...subscriber,
        'HL*3*2*23*0',
        'PAT*19',
        'NM1*QC*1*DOE*TIM',
        'DMG*D8*20150203*M',
        ...claim(),
      ],
    ]);
    const [message] = await submissions(text);
    expect(message?.claim).toMatchObject({
      patient: { id: expect.stringMatching(/^M1-[0-9a-f]{8}$/), birthDate: '2015-02-03', gender: 'male' },
      subscriber: { id: 'M1', relationship: '19', name: { family: 'DOE' } },
    });
  });

  it('reads DRG, procedures, occurrences, values and conditions of an institutional claim', async () => {
    const text = interchange(institutional, [
      [
        ...header837,
        ...billing,
        ...subscriber,
        'CLM*I1*500***11:A:1*Y*A*Y*Y',
        'DTP*434*RD8*20240101-20240109',
        'DTP*435*D8*20240101',
        'CL1*1*7*30',
        'HI*ABK:I2510:::::::Y',
        'HI*DR:470',
        'HI*BBR:4A023N7:D8:20240102',
        'HI*BH:A1:D8:20240101*BE:A2:::15.31*BG:09',
        'LX*1',
        'SV2*0300*HC:81099*500*UN*1',
        'DTP*472*D8*20240102',
      ],
    ]);
    const [message] = await submissions(text);
    expect(message?.claim).toMatchObject({
      type: 'institutional',
      subType: 'inpatient',
      billablePeriod: { start: '2024-01-01', end: '2024-01-09' },
      diagnosis: [{ type: 'principal', code: 'I2510', onAdmission: 'Y' }],
      procedure: [{ system: 'ICD-10-PCS', code: '4A023N7', date: '2024-01-02' }],
      item: [{ revenue: '0300', charge: '500.00' }],
    });
    expect(message?.claim.supportingInfo).toEqual(
      expect.arrayContaining([
        { category: 'ms-drg', system: 'MS-DRG', code: '470' },
        { category: 'discharge-status', system: 'NUBC', code: '30' },
        { category: 'occurrence', code: 'A1', period: { start: '2024-01-01', end: '2024-01-01' } },
        { category: 'value', code: 'A2', value: '15.31' },
        { category: 'condition', code: '09' },
      ]),
    );
  });

  it('reads teeth and surfaces of a dental claim', async () => {
    const text = interchange(dental, [
      [
        ...header837,
        ...billing,
        ...subscriber,
        'CLM*D1*80***11:B:1*Y*A*Y*Y',
        'DTP*472*D8*20240105',
        'LX*1',
        'SV3*AD:D2150*80****1',
        'TOO*JP*12*L:O',
      ],
    ]);
    const [message] = await submissions(text);
    expect(message?.claim).toMatchObject({
      type: 'oral',
      item: [
        { productOrService: { system: 'CDT', code: 'D2150' }, bodySite: '12', subSite: ['L', 'O'], charge: '80.00' },
      ],
    });
  });

  it('may ask for a predetermination, before any service: it is of the day it was sent', async () => {
    const segments = ['CLM*D2*80***11:B:1*Y*A*Y*Y**********PB', 'LX*1', 'SV3*AD:D2750*80****1'];
    const [message] = await submissions(interchange(dental, [[...header837, ...billing, ...subscriber, ...segments]]));
    expect(message?.claim).toMatchObject({
      use: 'predetermination',
      billablePeriod: { start: '2024-01-10', end: '2024-01-10' },
    });
  });

  it('may name a subscriber without a member number', async () => {
    const text = an837(claim()).replace('DOE*JANE****MI*M1', 'DOE*JANE');
    const [message] = await submissions(text);
    expect(message?.claim.patient).toMatchObject({
      id: expect.stringMatching(/^unknown-[0-9a-f]{8}$/),
      birthDate: '1980-01-02',
    });
    const entries = await read(text.replace('NM1*IL*1*DOE*JANE', 'NM1*IL*1').replace('DMG*D8*19800102*F~', ''));
    expect(rejectsOf(entries)).toMatchObject([{ field: 'NM109' }]);
  });

  it('reads what other payers paid and adjusted, of the claim and by line', async () => {
    const { claim: read } = await one(
      ...claim().slice(0, 2),
      'SBR*P*01*******12',
      'CAS*PR*1*21.89**2*15',
      'AMT*D*39.15',
      'OI***Y*P**Y',
      'NM1*IL*1*SMITH*JANE****MI*JS1',
      'NM1*PR*2*KEY*****PI*KEY1',
      ...line,
      'SVD*KEY1*40*HC:99213**1',
      'CAS*CO*42*3',
      'DTP*573*D8*20240109',
    );
    expect(read.insurance).toEqual([
      {
        responsibility: 'primary',
        insurer: { id: 'KEY1', name: 'KEY' },
        subscriber: 'JS1',
        paid: '39.15',
        adjudication: [
          { category: 'adjustment', group: 'PR', reason: { system: 'CARC', code: '1' }, amount: '21.89' },
          { category: 'adjustment', group: 'PR', reason: { system: 'CARC', code: '2' }, amount: '15.00' },
        ],
        item: [
          {
            sequence: 1,
            paid: '40.00',
            date: '2024-01-09',
            adjudication: [
              { category: 'adjustment', group: 'CO', reason: { system: 'CARC', code: '42' }, amount: '3.00' },
            ],
          },
        ],
      },
    ]);
  });

  it('may have a range of days where it says that there is one day', async () => {
    const { claim: read } = await one(
      ...claim().slice(0, 1),
      'HI*ABK:E119*BI:70:D8:20240101-20240103',
      ...line.slice(0, 2),
      'DTP*472*D8*20240105-20240107',
    );
    expect(read.item[0]?.servicedPeriod).toEqual({ start: '2024-01-05', end: '2024-01-07' });
    expect(read.supportingInfo).toContainEqual({
      category: 'occurrence-span',
      code: '70',
      period: { start: '2024-01-01', end: '2024-01-03' },
    });
  });

  it.each([
    ['no service date', [...claim().slice(0, 4)], 'DTP'],
    ['no diagnosis', [claim()[0] as string, ...line], '2300 HI'],
    ['no line', claim().slice(0, 2), '2400 LX'],
    ['no facility code', ['CLM*C1*100****Y*A*Y*Y', ...claim().slice(1)], 'CLM05'],
    ['a charge that is none', claim('C1', '1e400'), 'CLM02'],
    ['a fraction of a cent', claim('C1', '12.345'), 'CLM02'],
    ['a day of no calendar', [...claim().slice(0, 4), 'DTP*472*D8*20240230'], 'DTP03'],
    ['more than a day', [...claim().slice(0, 4), 'DTP*472*D8*202401051'], 'DTP03'],
    ['more than a day with a code', ['CLM*C1*100***11:B:1', 'HI*ABK:E119*BH:A1:D8:202401051', ...line], 'HI02'],
    ['a segment that no guide has', [...claim(), 'Nd4*X'], 'segment'],
  ])('with %s is refused alone, with segment, element, byte and reason', async (_, segments, field) => {
    const entries = await read(an837(claim('GOOD1'), segments, claim('GOOD2')));
    expect(messages(entries)).toHaveLength(2);
    expect(rejectsOf(entries)).toMatchObject([
      { position: expect.any(Number), claim: 'C1', field, reason: expect.stringMatching(/expected.*\(byte \d+\)$/) },
    ]);
  });

  it('gives no claim to the patient, subscriber or provider before it where an HL segment is missing', async () => {
    const provider = (name: string) => [`NM1*85*2*${name}*****XX*1999999984`, ...billing.slice(2)];
    const member = (id: string) => subscriber.slice(1).map((text) => text.replace('MI*M1', `MI*${id}`));
    const child = ['PAT*19', 'NM1*QC*1*DOE*TIM', 'DMG*D8*20150203*M'];
    const start = [...header837, ...billing, ...subscriber, ...claim('GOOD1')];
    const end = ['HL*8**20*1', ...provider('LAST'), 'HL*9*8*22*0', ...member('M9'), ...claim('GOOD2')];
    for (const lost of [
      member('M2'),
      child,
      [...child, ...claim('BAD1')],
      [...provider('NEXT'), 'HL*4*3*22*0', ...member('M3')],
    ]) {
      for (const between of [lost, ['H-L*3*1*22*0', ...lost]]) {
        const text = interchange(professional, [[...start, ...between, ...claim('BAD'), ...end]]);
        const found = await read(text);
        const claims = (messages(found) as Submission[]).map(({ claim: { identifier, patient } }) => [
          identifier.value,
          patient.id,
        ]);
        expect(claims).toEqual([...(between === lost ? [['GOOD1', 'M1']] : []), ['GOOD2', 'M9']]);
        expect(rejectsOf(found).map(({ claim: number }) => number)).toContain('BAD');
      }
    }
  });
});
