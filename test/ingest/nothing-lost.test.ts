import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import type { Entry } from '../../src/ingest/format.ts';
import { detectFormat } from '../../src/ingest/formats/index.ts';
import { readAll, temporaryDirectory } from '../support/files.ts';
import { describeWithFixtures, fixtures } from '../support/fixtures.ts';

const directory = await temporaryDirectory();
const fixture = (path: string) => readFileSync(join(fixtures ?? '', path), 'utf8');

/** What a file says, as it is taken in: all but where in the file it stood. */
async function taken(content: string): Promise<string> {
  const format = detectFormat(Buffer.from(content));
  if (format === undefined) return 'no format';
  const entries = await readAll(format, directory, content).catch((error: Error) => [error.message]);
  return JSON.stringify(entries.map((entry) => ({ ...(entry as Entry), resume: undefined })));
}

/** Another value of the same kind: another day, amount, or last character. */
function another(value: string): string {
  if (/^\d{2}-\w{3}-\d{4}$/.test(value)) return value.startsWith('01') ? `02${value.slice(2)}` : `01${value.slice(2)}`;
  const last = value.at(-1) as string;
  const next = /[0-8a-yA-Y]/.test(last) ? String.fromCharCode(last.charCodeAt(0) + 1) : last === '9' ? '8' : '7';
  return `${value.slice(0, -1)}${next}`;
}

/** What is of the transport, counts, or says how the value beside it is written. */
const saysNothing = /^(?:ISA|GS|ST|SE|GE|IEA|HL|LX)\d|^(?:DTP02|DTM01|TRN01)$/;
/** Of the provider and of no claim: amounts and reasons are warnings, which quote no number that may name anybody. */
const ofNoClaim = /^PLB0[1-3]$/;

/** A file in which any one value is another is taken as another file: so each value is somewhere in what was taken. */
describeWithFixtures('any one value of a file', () => {
  it.each(['carrier', 'dme', 'hha', 'hospice', 'inpatient', 'outpatient', 'pde', 'snf'])(
    'of the columns of %s.csv matters',
    async (kind) => {
      const [header = '', ...rows] = fixture(`rif/${kind}.csv`).split('\n');
      const columns = header.split('|');
      const lost = new Set<string>();
      // Of each column, the first row that has a value.
      for (const [index, column] of columns.entries()) {
        const row = rows.find((line) => (line.split('|')[index] ?? '') !== '');
        if (row === undefined) continue;
        const cells = row.split('|');
        const changed = cells.with(index, another(cells[index] as string));
        const [before, after] = await Promise.all([
          taken(`${header}\n${row}\n`),
          taken(`${header}\n${changed.join('|')}\n`),
        ]);
        if (before === after) lost.add(column);
      }
      expect([...lost]).toEqual([]);
    },
  );

  it.each([
    '837p/imsweb-x12_complex.837',
    '837p/lfh-demo.cob.example3.B.837',
    '837i/lfh-institutional-claim.837',
    '835/lfh-medicare-part-a.835',
    '277/imsweb-x12_277CA_rejected.277',
  ])('of the elements of %s matters', async (path) => {
    const content = fixture(`x12/${path}`);
    const [element, end] = [content[3] as string, content[105] as string];
    const segments = content.split(end);
    const before = await taken(content);
    const lost: string[] = [];
    for (const [index, segment] of segments.entries()) {
      const [id = '', ...elements] = segment.trimStart().split(element);
      for (const [place, value] of elements.entries()) {
        const name = `${id}${String(place + 1).padStart(2, '0')}`;
        if (value === '' || saysNothing.test(name) || ofNoClaim.test(name)) continue;
        const changed = [id, ...elements.with(place, another(value))].join(element);
        if ((await taken(segments.with(index, changed).join(end))) === before) {
          lost.push(`segment ${index + 1}, ${name}`);
        }
      }
    }
    expect(lost).toEqual([]);
  });
});
