import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Compile } from 'typebox/compile';
import { describe, expect, it } from 'vitest';
import { applyReport, applySubmission } from '../../src/claims/lifecycle.ts';
import type { Message, Report, Submission } from '../../src/claims/messages.ts';
import { renderClaim } from '../../src/claims/render.ts';
import { Claim } from '../../src/claims/schema.ts';
import { type Entry, Refusal } from '../../src/ingest/format.ts';
import { detectFormat } from '../../src/ingest/formats/index.ts';
import { x12 } from '../../src/ingest/formats/x12.ts';
import type { InputFile } from '../../src/ingest/input.ts';
import { describeWithFixtures, fixtures } from '../support/fixtures.ts';
import {
  an835,
  an837,
  billing,
  claim,
  dental,
  header837,
  institutional,
  interchange,
  line,
  paidClaim,
  professional,
  subscriber,
} from '../support/x12.ts';

const format = x12[0] as (typeof x12)[number];

async function read(content: string | Buffer, chunk = 1 << 20): Promise<Entry[]> {
  const bytes = Buffer.isBuffer(content) ? content : Buffer.from(content);
  const file: InputFile = {
    path: '',
    async *bytes() {
      for (let at = 0; at < bytes.length; at += chunk) yield bytes.subarray(at, at + chunk);
    },
  };
  const entries: Entry[] = [];
  for await (const entry of format.read(file)) entries.push(entry);
  return entries;
}
const messages = (entries: Entry[]): Message[] =>
  entries.flatMap((entry) => ('message' in entry ? [entry.message] : []));
const submissions = async (text: string | Buffer) => messages(await read(text)) as Submission[];
const rejects = (entries: Entry[]) => entries.flatMap((entry) => ('reject' in entry ? [entry.reject] : []));
const warnings = (entries: Entry[]) => entries.flatMap((entry) => ('warning' in entry ? [entry.warning] : []));
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
    expect(rejects(entries)).toMatchObject([{ field: 'NM109' }]);
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
    expect(rejects(entries)).toMatchObject([
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
        expect(rejects(found).map(({ claim: number }) => number)).toContain('BAD');
      }
    }
  });

  it('is read whatever its separators and however chunks part it', async () => {
    const usual = await submissions(an837(claim(), claim('C2')));
    const separators = { element: '|', component: '>', terminator: '\n' };
    const transactions = [[...header837, ...billing, ...subscriber, ...claim(), ...claim('C2')]];
    const other = await submissions(interchange(professional, transactions, separators));
    expect(other.map((message) => message.claim.item)).toEqual(usual.map((message) => message.claim.item));
    for (const chunk of [1, 7, 100]) expect(messages(await read(an837(claim(), claim('C2')), chunk))).toEqual(usual);
  });

  it('never gives a claim that is cut off, wherever the file ends', async () => {
    const text = an837(claim(), claim('C2'));
    const whole = await submissions(text);
    for (let length = 0; length < text.length; length += 1) {
      const found = await read(text.slice(0, length)).then(messages, (error) => {
        if (!(error instanceof Refusal)) throw error;
        return [];
      });
      expect(whole).toEqual(expect.arrayContaining(found));
    }
  });

  it('is taken with warnings where the counts and control numbers of its envelopes do not agree', async () => {
    const text = an837(claim())
      .replace(/SE\*\d+\*1/, 'SE*3*9')
      .replace('GE*1*1', 'GE*2*7')
      .replace('IEA*1*000000001', 'IEA*4*2');
    const entries = await read(text);
    expect(messages(entries)).toHaveLength(1);
    expect(warnings(entries).map(({ field }) => field)).toEqual(['SE01', 'SE02', 'GE01', 'GE02', 'IEA01', 'IEA02']);
  });

  it('may stand beside an acknowledgement, which is passed over with a warning', async () => {
    const text = an837(claim()).replace('GE*1*1~', 'ST*999*2*005010X231A1~AK1*HC*1~SE*3*2~GE*2*1~');
    const entries = await read(text);
    expect(messages(entries)).toHaveLength(1);
    expect(warnings(entries)).toMatchObject([{ field: 'ST01', reason: expect.stringContaining('999') }]);
  });

  it('has names in UTF-8 or Latin-1, behind a byte order mark or not', async () => {
    const text = an837(claim()).replace('DOE*JANE', 'MÜLLER*ZOË');
    for (const bytes of [Buffer.from(`\ufeff${text}`), Buffer.from(text, 'latin1')]) {
      const [message] = await submissions(bytes);
      expect(message?.claim.patient.name).toEqual({ family: 'MÜLLER', given: 'ZOË' });
    }
  });

  it('is read where its lines are wrapped without regard to segments, also within the ISA', async () => {
    const text = an837(claim(), claim('C2'));
    const usual = await submissions(text);
    for (const [width, lineEnd] of [
      [80, '\r\n'],
      [9, '\n'],
    ] as const) {
      const wrapped = text.replace(new RegExp(`.{${width}}`, 'g'), `$&${lineEnd}`);
      expect(detectFormat(Buffer.from(wrapped))?.name).toMatch(/^x12/);
      for (const chunk of [1, 50, 1 << 20]) {
        const entries = await read(wrapped, chunk);
        expect(rejects(entries)).toEqual([]);
        expect(messages(entries)).toEqual(usual);
      }
    }
  });

  it('may stand between blank lines and empty segments, and before what systems put at the ends of files', async () => {
    const text = an837(claim());
    const usual = await submissions(text);
    for (const end of ['\r\n\r\n', '\x1a', '\r\n\x1a', '\0'.repeat(50)]) {
      const entries = await read(`\r\n \r\n${text}${end}`);
      expect([...rejects(entries), ...warnings(entries)]).toEqual([]);
      expect(messages(entries)).toEqual(usual);
    }
    const emptied = await read(`${text.replace('~CLM*', '~~CLM*')}~~`);
    expect([...rejects(emptied), ...warnings(emptied)]).toEqual([]);
    expect(messages(emptied)).toHaveLength(1);
    const joined = await read(Buffer.from(`\ufeff${text}\r\n\x1a\ufeff${text}`));
    expect([...rejects(joined), ...warnings(joined)]).toEqual([]);
    expect(messages(joined)).toHaveLength(2);
  });

  it('is taken up to an interchange whose ISA is not as it should be', async () => {
    const text = an837(claim());
    const file: InputFile = {
      path: '',
      async *bytes() {
        yield Buffer.from(text + text.replace('SENDER         ', 'SENDER'));
      },
    };
    const entries: Entry[] = [];
    const reading = (async () => {
      for await (const entry of format.read(file)) entries.push(entry);
    })();
    await expect(reading).rejects.toThrow(Refusal);
    expect(messages(entries)).toHaveLength(1);
  });

  it.each([
    ['an ISA of another length', an837(claim()).replace('SENDER         ', 'SENDER')],
    ['no ISA', an837(claim()).slice(106)],
    ['no terminator', `${an837(claim()).slice(0, 105)}A${an837(claim()).slice(106)}`],
  ])('with %s is refused whole, with the place and the reason', async (_, text) => {
    expect(detectFormat(Buffer.from(text))?.name).toMatch(/^x12/);
    await expect(read(text)).rejects.toThrow(/expected .*at byte 0/);
  });
});

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
    expect(rejects(entries)).toMatchObject([{ field: 'CLP01' }]);
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
    expect([...rejects(entries), ...warnings(entries)]).toEqual([]);
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
    expect(rejects(inClaim)).toMatchObject([{ claim: 'C2', field: 'XYZ' }]);
    const [hl = '', ...rest] = patient('C2', 'STC*A2:20*20240112');
    const inLevel = await read(a277(good, [hl, 'XYZ*1', ...rest], good));
    expect(messages(inLevel)).toHaveLength(2);
    expect(rejects(inLevel)).toMatchObject([{ claim: 'C2', field: 'XYZ' }]);
  });
});

describe('a segment that no guide has', () => {
  it.each([
    ['837', an837(['CL-M*C1*100***11:B:1'])],
    ['835', an835('0', ['CL-P*C1*1*100'])],
    ['277', interchange('005010X214', [['BHT*0085*08*R1*20240112', 'HL*1**20*1', 'NM-1*PR*2']])],
  ])('is told also where an %s has no claim that it could be of', async (_, text) => {
    expect(rejects(await read(text))).toMatchObject([
      { field: 'segment', reason: expect.stringContaining('identifier') },
    ]);
  });
});

describeWithFixtures('X12 files of other origin', () => {
  const file = (name: string) => readFileSync(join(fixtures ?? '', 'x12', name));

  it.each([
    ['837p/imsweb-x12_many_claims.837', 820],
    ['837p/imsweb-x12_complex.837', 6],
    ['837p/imsweb-x12_multiple_gs.837', 6],
    ['837p/imsweb-x12_multiple_isa.837', 4],
    ['837p/imsweb-x12_multiple_st.837', 4],
    ['837p/imsweb-x12_valid_different_separators.837', 2],
    ['837i/lfh-ppo-repriced-claim.837', 1],
    ['835/lfh-managed-care.835', 2],
    ['835/lfh-medicare-part-a.835', 2],
    ['277/lfh-claim-level-status.277', 3],
  ])('%s gives each of its %i claims', async (name, count) => {
    const entries = await read(file(name));
    expect(rejects(entries)).toEqual([]);
    expect(messages(entries)).toHaveLength(count);
  });

  it.each([
    ['bad_segment_identifier', 0, ['A37YH556', 'A37YH667']],
    ['loop_errors3_missing_loops', 0, ['A37YH556']],
    ['missing_elements', 1, ['A37YH667']],
    ['segment_errors', 0, ['A37YH556']],
    ['segments_out_of_order', 0, ['A37YH556', 'A37YH667']],
  ])('malformed %s gives %i claims and refuses the others', async (name, taken, refused) => {
    const entries = await read(file(`malformed/imsweb-x12_${name}.837`));
    expect(messages(entries)).toHaveLength(taken);
    expect(rejects(entries).map(({ claim: number }) => number)).toEqual(refused);
  });

  it.each(['bad_first_line', 'no_isa_line'])('malformed %s is refused whole', async (name) => {
    await expect(read(file(`malformed/imsweb-x12_${name}.837`))).rejects.toThrow(Refusal);
  });
});
