import type { Message } from '../../claims/messages.ts';
import { type Entry, type Format, Refusal, type Resume } from '../format.ts';
import type { InputFile } from '../input.ts';
import { StatusTransaction } from './x12-277.ts';
import { RemittanceTransaction } from './x12-835.ts';
import { ClaimTransaction } from './x12-837.ts';
import { readSegments } from './x12-interchange.ts';
import { type Segment, SegmentFault } from './x12-segment.ts';

/**
 * X12 005010: health care claims (837P, 837I, 837D), remittances (835) and claim status (277CA, 277), all transactions
 * of all groups and interchanges of a file. The kinds have names and ranks of their own, as claims are loaded before
 * what is said of them; a file of several kinds goes by its first.
 */
export const x12: readonly Format[] = [
  { name: 'x12-837', unit: 'segment', rank: 1, detect: (head) => firstTransaction(head) === '837', read: readX12 },
  { name: 'x12-277', unit: 'segment', rank: 2, detect: (head) => firstTransaction(head) === '277', read: readX12 },
  { name: 'x12-835', unit: 'segment', rank: 3, detect: (head) => firstTransaction(head) === '835', read: readX12 },
  { name: 'x12', unit: 'segment', rank: 3, detect: looksLikeX12, read: readX12 },
];

const start = (head: Buffer) =>
  head
    .toString('latin1')
    .replace(/^\xef\xbb\xbf/, '')
    .trimStart();

/** Also without its ISA segment, to say that it is missing. */
function looksLikeX12(head: Buffer): boolean {
  return /^(?:ISA[^A-Za-z0-9]|(?:GS|ST)[*|~^]\w)/.test(start(head));
}

function firstTransaction(head: Buffer): string | undefined {
  return /^ISA([^A-Za-z0-9])[\s\S]*?[^A-Za-z0-9]ST\1(\d{3})/.exec(start(head))?.[2];
}

/** What the reader of a transaction's segments has to say. */
export interface Output {
  message(message: Message, at: Segment): void;
  /** The claim's number, where it could be read. */
  reject(fault: SegmentFault, claim?: string): void;
  warning(at: Segment, field: string, reason: string, claim?: string): void;
}

/** A reader of one transaction set, from behind its ST to before its SE. */
export interface Transaction {
  segment(segment: Segment): void;
  /** Undefined at the SE; else the segment that came in its place, or the last one of the file. */
  end(cutOffAt?: Segment): void;
}

async function* readX12(file: InputFile, resume?: Resume): AsyncGenerator<Entry> {
  const reader = new InterchangeReader();
  // What follows depends on what came before, so a file is always read from its start; its first entries are known.
  let known = resume?.position ?? 0;
  let count = 0;
  let last: Segment | undefined;
  const take = function* (): Generator<Entry> {
    for (const entry of reader.entries) {
      count += 1;
      if (known > 0) known -= 1;
      else yield Object.assign(entry, { resume: { offset: (last as Segment).end, position: count } }) as Entry;
    }
    reader.entries = [];
  };
  for await (const segments of readSegments(file)) {
    for (const segment of segments) {
      last = segment;
      reader.segment(segment);
    }
    yield* take();
  }
  if (last === undefined) throw new Refusal('expected an ISA segment, found an empty file');
  reader.end(last);
  yield* take();
}

type Unplaced = Entry extends infer E ? (E extends unknown ? Omit<E, 'resume'> : never) : never;

/** Follows the envelopes, and gives the segments of each transaction to the reader of its kind. */
class InterchangeReader implements Output {
  entries: Unplaced[] = [];
  #interchange: { header: Segment; groups: number } | undefined;
  #group: { header: Segment; transactions: number } | undefined;
  #set: { header: Segment; transaction: Transaction; segments: number } | undefined;
  #strayReported = false;

  segment(segment: Segment): void {
    switch (segment.id) {
      case 'ISA':
        this.#closeAll(segment);
        this.#interchange = { header: segment, groups: 0 };
        return;
      case 'GS':
        this.#closeSet(segment);
        this.#closeGroup(segment);
        if (this.#interchange) this.#interchange.groups += 1;
        this.#group = { header: segment, transactions: 0 };
        return;
      case 'ST':
        this.#closeSet(segment);
        if (this.#group) this.#group.transactions += 1;
        this.#set = { header: segment, transaction: this.#open(segment), segments: 1 };
        this.#strayReported = false;
        return;
      case 'SE':
        this.#endSet(segment);
        return;
      case 'GE':
        this.#closeSet(segment);
        if (this.#group) {
          this.#agree(segment, 1, this.#group.transactions, 'transactions');
          this.#same(segment, 2, this.#group.header, 6);
        }
        this.#group = undefined;
        return;
      case 'IEA':
        this.#closeSet(segment);
        this.#closeGroup(segment);
        if (this.#interchange) {
          this.#agree(segment, 1, this.#interchange.groups, 'groups');
          this.#same(segment, 2, this.#interchange.header, 13);
        }
        this.#interchange = undefined;
        return;
      case 'TA1':
        return;
      default:
        if (this.#set) {
          this.#set.segments += 1;
          this.#set.transaction.segment(segment);
        } else if (!this.#strayReported) {
          this.#strayReported = true;
          this.reject(
            new SegmentFault(
              segment,
              undefined,
              'expected an ST segment before it; what follows up to the next ST is passed over',
            ),
          );
        }
    }
  }

  end(last: Segment): void {
    this.#closeAll(last);
  }

  message(message: Message, at: Segment): void {
    this.entries.push({ message, position: at.number });
  }

  reject(fault: SegmentFault, claim?: string): void {
    const { segment, field, reason } = fault;
    this.entries.push({
      reject: {
        position: segment.number,
        claim: claim?.slice(0, 100),
        field,
        reason: `${reason} (byte ${segment.start})`,
      },
    });
  }

  warning(at: Segment, field: string, reason: string, claim?: string): void {
    this.entries.push({ warning: { position: at.number, claim: claim?.slice(0, 100), field, reason } });
  }

  #open(header: Segment): Transaction {
    const kind = header.peek(1);
    const guide = header.peek(3) || (this.#group?.header.peek(8) ?? '');
    if (['837', '835', '277'].includes(kind) && !guide.startsWith('005010')) {
      this.reject(
        new SegmentFault(header, 3, 'expected version 005010, here or in GS08; the transaction is passed over'),
      );
      return passedOver;
    }
    if (kind === '837') return new ClaimTransaction(guide, this);
    if (kind === '835') return new RemittanceTransaction(this);
    if (kind === '277') return new StatusTransaction(this);
    const what = /^\d{3}$/.test(kind) ? kind : 'of an unknown kind';
    this.warning(header, 'ST01', `a transaction ${what} tells nothing of claims and is passed over`);
    return passedOver;
  }

  #endSet(segment: Segment): void {
    const set = this.#set;
    if (set === undefined) return;
    this.#set = undefined;
    set.transaction.end();
    this.#agree(segment, 1, set.segments + 1, 'segments');
    this.#same(segment, 2, set.header, 2);
  }

  #closeSet(at: Segment): void {
    if (this.#set === undefined) return;
    this.#set.transaction.end(at);
    this.#set = undefined;
    this.warning(at, 'SE', 'expected the SE segment of a transaction, found none');
  }

  #closeGroup(at: Segment): void {
    if (this.#group) this.warning(at, 'GE', 'expected the GE segment of a group, found none');
    this.#group = undefined;
  }

  #closeAll(at: Segment): void {
    this.#closeSet(at);
    this.#closeGroup(at);
    if (this.#interchange) this.warning(at, 'IEA', 'expected the IEA segment of an interchange, found none');
    this.#interchange = undefined;
  }

  #agree(segment: Segment, element: number, counted: number, what: string): void {
    const said = Number(segment.peek(element));
    if (said === counted) return;
    const found = Number.isInteger(said) ? `it says ${said}` : 'it says something else';
    this.warning(segment, segment.name(element), `expected the number of ${what}, ${counted}; ${found}`);
  }

  #same(segment: Segment, element: number, header: Segment, headerElement: number): void {
    if (segment.peek(element) === header.peek(headerElement)) return;
    this.warning(
      segment,
      segment.name(element),
      `expected the control number of ${header.name(headerElement)} (segment ${header.number}), found another`,
    );
  }
}

const passedOver: Transaction = { segment: () => {}, end: () => {} };
