import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type Entry, Refusal } from '../../src/ingest/format.ts';
import { detectFormat } from '../../src/ingest/formats/index.ts';
import type { InputFile } from '../../src/ingest/input.ts';
import { rejectsOf } from '../support/files.ts';
import { describeWithFixtures, fixtures } from '../support/fixtures.ts';
import { format, messages, read, submissions, warnings } from '../support/read-x12.ts';
import { an835, an837, billing, claim, header837, interchange, professional, subscriber } from '../support/x12.ts';

describe('an 837', () => {
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
        expect(rejectsOf(entries)).toEqual([]);
        expect(messages(entries)).toEqual(usual);
      }
    }
  });

  it('may stand between blank lines and empty segments, and before what systems put at the ends of files', async () => {
    const text = an837(claim());
    const usual = await submissions(text);
    for (const end of ['\r\n\r\n', '\x1a', '\r\n\x1a', '\0'.repeat(50)]) {
      const entries = await read(`\r\n \r\n${text}${end}`);
      expect([...rejectsOf(entries), ...warnings(entries)]).toEqual([]);
      expect(messages(entries)).toEqual(usual);
    }
    const emptied = await read(`${text.replace('~CLM*', '~~CLM*')}~~`);
    expect([...rejectsOf(emptied), ...warnings(emptied)]).toEqual([]);
    expect(messages(emptied)).toHaveLength(1);
    const joined = await read(Buffer.from(`\ufeff${text}\r\n\x1a\ufeff${text}`));
    expect([...rejectsOf(joined), ...warnings(joined)]).toEqual([]);
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

describe('a segment that no guide has', () => {
  it.each([
    ['837', an837(['CL-M*C1*100***11:B:1'])],
    ['835', an835('0', ['CL-P*C1*1*100'])],
    ['277', interchange('005010X214', [['BHT*0085*08*R1*20240112', 'HL*1**20*1', 'NM-1*PR*2']])],
  ])('is told also where an %s has no claim that it could be of', async (_, text) => {
    expect(rejectsOf(await read(text))).toMatchObject([
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
    expect(rejectsOf(entries)).toEqual([]);
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
    expect(rejectsOf(entries).map(({ claim: number }) => number)).toEqual(refused);
  });

  it.each(['bad_first_line', 'no_isa_line'])('malformed %s is refused whole', async (name) => {
    await expect(read(file(`malformed/imsweb-x12_${name}.837`))).rejects.toThrow(Refusal);
  });
});
