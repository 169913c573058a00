import { Fault } from '../../claims/render.ts';
import { type Entry, type Format, Refusal, type Resume } from '../format.ts';
import type { InputFile } from '../input.ts';
import { type Line, readLines } from '../lines.ts';
import { earlyColumns, type RifLayout, rifLayout } from './rif-claim.ts';
import { columnAt, columnStart, fieldAt, RifHeader, RifRow } from './rif-row.ts';
import { type ClaimLines, HeldRows, scatteredClaims } from './rif-scattered.ts';

/**
 * CMS Research Identifiable File layout: a header line, then pipe-delimited rows, a row a claim line. The rows of a
 * claim stand together in what CMS delivers; where they do not, they are brought together (see HeldRows).
 */
export const rif: Format = {
  name: 'rif',
  unit: 'line',
  rank: 1,
  detect: (head) => layoutOf(head) !== undefined,
  read: readClaims,
};

function layoutOf(head: Buffer): RifLayout | undefined {
  const line = firstLine(head);
  return line.includes('|') ? rifLayout(new RifHeader(line)) : undefined;
}

export function firstLine(head: Buffer): string {
  const end = head.indexOf(10);
  return head.toString('utf8', 0, end < 0 ? head.length : end).replace(/^\ufeff|\r$/g, '');
}

async function* readClaims(file: InputFile, resume?: Resume): AsyncGenerator<Entry> {
  const { header, layout } = await readHeader(file);
  const numberColumn = header.index(layout.number) as number;
  const isLast = numberColumn === header.names.length - 1;
  const held = new HeldRows(await scatteredClaims(file, numberColumn, isLast));
  const from = resume?.position ?? 1;

  // Held rows can lie before the place to go on at, so then the file is read from its start again, and what was
  // delivered before is passed over.
  const start = held.expected && resume ? undefined : resume;
  const isNew = (line: Line) => line.number > from;
  const after = (line: Line): Resume => ({ offset: line.end, position: line.number });

  let open: ClaimLines | undefined;
  let end: Resume = { offset: 0, position: 0 };
  const finish = (lines: ClaimLines) => readClaim(lines, header, layout);
  const rejectLine = (line: Line, fault: Fault): Entry => ({
    reject: { position: line.number, field: fault.field, reason: fault.reason },
    resume: after(line),
  });

  for await (const lines of readLines(file, start)) {
    for (const line of lines) {
      end = after(line);
      if (line.number === 1 || line.text === '') continue;
      const number = fieldAt(line.text, numberColumn, isLast)?.trim();
      if (!number || number === open?.number) {
        if (open === undefined) {
          if (isNew(line)) yield rejectLine(line, unreadable(line, header, layout));
        } else if (number) {
          if (open.damaged) {
            open.lines.push(open.damaged);
            delete open.damaged;
          }
          open.lines.push(line);
        } else {
          // Of the open claim only if that goes on behind it.
          if (open.damaged && isNew(line)) yield rejectLine(open.damaged, unreadable(open.damaged, header, layout));
          open.damaged = line;
        }
        continue;
      }
      if (open && isNew(open.lines.at(-1) as Line)) {
        yield finish(open);
        if (open.damaged) yield rejectLine(open.damaged, unreadable(open.damaged, header, layout));
      }
      open = undefined;
      if (held.take(number, line)) continue;
      open = { number, lines: [line] };
    }
  }
  if (open && isNew(open.lines.at(-1) as Line)) yield finish(open);
  if (open?.damaged) yield rejectLine(open.damaged, unreadable(open.damaged, header, layout));
  // Counted as lines behind the last one, so that a load that ends between two of them knows which is next.
  for (const lines of held.claims()) {
    end.position += 1;
    if (end.position > from) yield { ...finish(lines), resume: { ...end } };
  }
}

async function readHeader(file: InputFile): Promise<{ header: RifHeader; layout: RifLayout }> {
  for await (const [line] of readLines(file)) {
    const header = new RifHeader((line as Line).text);
    const layout = rifLayout(header);
    if (layout === undefined) break;
    if (new Set(header.names).size < header.names.length) {
      throw new Refusal('expected each column name once in the header, found one again');
    }
    return { header, layout };
  }
  throw new Refusal('expected a header line with BENE_ID and CLM_ID or PDE_ID, separated by |');
}

function unreadable(line: Line, header: RifHeader, layout: RifLayout): Fault {
  if (line.fault) return new Fault(columnAt(header, line.text, line.fault.at) ?? layout.number, line.fault.reason);
  try {
    new RifRow(header, line.text);
  } catch (error) {
    if (error instanceof Fault) return error;
    throw error;
  }
  return new Fault(layout.number, 'expected a value, found none');
}

/** The claim of its lines, or the reject that names the first fault: a claim is taken whole or not at all. */
function readClaim({ number, lines }: ClaimLines, header: RifHeader, layout: RifLayout): Entry {
  const last = lines.at(-1) as Line;
  const resume = { offset: last.end, position: last.number };
  let line = lines[0] as Line;
  try {
    const rows: RifRow[] = [];
    const ofClaim = lines.length > 1 ? claimColumns(line.text, header, layout) : undefined;
    for (line of lines) {
      if (line.fault) throw unreadable(line, header, layout);
      const [row] = rows;
      if (row && ofClaim && line.text.startsWith(ofClaim.text)) {
        rows.push(new RifRow(header, line.text.slice(ofClaim.text.length), { row, count: ofClaim.count }));
      } else {
        rows.push(new RifRow(header, line.text));
        checkSameClaim(lines[0] as Line, line, header, layout);
      }
    }
    line = lines[0] as Line;
    const claim = layout.claim(rows, header);
    const sequences = new Set(claim.item.map((item) => item.sequence));
    if (sequences.size < claim.item.length) {
      throw new Fault(layout.line ?? layout.number, 'expected each line number once in a claim, found one again');
    }
    return { claim, position: line.number, resume };
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    const at = lines.find((candidate) => isFaulty(candidate, error, header, layout)) ?? line;
    return { reject: { position: at.number, claim: number, field: error.field, reason: error.reason }, resume };
  }
}

/** Whether the line alone has the fault: the claim is read from all its rows, so the fault does not say which. */
function isFaulty(line: Line, fault: Fault, header: RifHeader, layout: RifLayout): boolean {
  if (line.fault) return true;
  try {
    layout.claim([new RifRow(header, line.text)], header);
    return false;
  } catch (error) {
    return error instanceof Fault && error.field === fault.field;
  }
}

/** The start of a claim's lines, where all columns of the claim stand before those of the line, as in CMS's files. */
function claimColumns(
  first: string,
  header: RifHeader,
  layout: RifLayout,
): { text: string; count: number } | undefined {
  const count = layout.line === undefined ? undefined : header.index(layout.line);
  if (count === undefined || earlyColumns(header, layout).size > 0) return undefined;
  const end = columnStart(first, count);
  return end === undefined ? undefined : { text: first.slice(0, end), count };
}

/** The columns of the claim are the same on each of its rows; where they are not, none of them can be believed. */
function checkSameClaim(first: Line, line: Line, header: RifHeader, layout: RifLayout): void {
  if (line === first) return;
  const columns = layout.line === undefined ? header.names.length : (header.index(layout.line) as number);
  const early = earlyColumns(header, layout);
  for (let place = 0, shift = 0, column = 0; column < columns; column += 1) {
    const bar = first.text.indexOf('|', place);
    const end = bar < 0 ? first.text.length : bar + 1;
    if (early.has(column)) shift = line.text.indexOf('|', place + shift) + 1 - end;
    else if (line.text.slice(place + shift, end + shift) !== first.text.slice(place, end)) {
      throw new Fault(
        header.names[column] as string,
        `expected the same value on every row of a claim, found another than on line ${first.number}`,
      );
    }
    place = end;
  }
}
