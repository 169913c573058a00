import { Fault } from '../../claims/render.ts';
import type { Output, Transaction } from './x12.ts';
import { submission } from './x12-837-claim.ts';
import { type Segment, SegmentFault } from './x12-segment.ts';

/** A party of a level, a claim or a line: the NM1 segment and what follows it. */
export interface Loop {
  nm1: Segment;
  segments: Segment[];
}

/** Another payer of the claim (loop 2320) with its parties (2330). */
export interface OtherPayer {
  sbr: Segment;
  segments: Segment[];
  loops: Loop[];
}

/** A service line (2400), its parties (2420) and what other payers decided of it (2430). */
export interface Line {
  lx: Segment;
  segments: Segment[];
  loops: Loop[];
  decisions: { svd: Segment; segments: Segment[] }[];
}

/** The segments of a hierarchical level (2000A, B, C), or those before the first one. */
export interface Level {
  hl: Segment | undefined;
  segments: Segment[];
  loops: Loop[];
  /** All claims below share it. */
  fault?: SegmentFault;
}

/** A claim (2300) with the levels it stands under. */
export interface ClaimLoops {
  guide: string;
  header: Level;
  billing: Level | undefined;
  subscriber: Level | undefined;
  /** Where the patient is not the subscriber. */
  patient: Level | undefined;
  clm: Segment;
  segments: Segment[];
  loops: Loop[];
  others: OtherPayer[];
  lines: Line[];
}

/** Every segment of the guides X222A1, X223A3 and X224A2. */
const known = new Set(
  (
    'BHT NM1 N2 N3 N4 PER REF HL PRV SBR PAT DMG CUR CLM DTP CL1 PWK CN1 AMT K3 NTE CR1 CR2 CR3 CR4 CR5 CR6 CR7 CRC HI ' +
    'HCP HSD QTY SV1 SV2 SV3 SV4 SV5 SV6 SV7 TOO LIN CTP PS1 MEA SVD CAS OI MIA MOA LX LQ FRM DN1 DN2 DSB UR LE LS IMM LUI'
  ).split(' '),
);

/** The order of segments behind an NM1: N3 before N4, both before REF. */
const order = new Map(['NM1', 'N2', 'N3', 'N4', 'DMG', 'DTP', 'REF', 'PER'].map((id, rank) => [id, rank]));

/** The levels that a party starts: the billing provider, the subscriber, the patient. */
const levelsOfParties = new Map([
  ['85', '20'],
  ['IL', '22'],
  ['QC', '23'],
]);

const newLevel = (hl?: Segment): Level => ({ hl, segments: [], loops: [] });

/** Health care claims, 005010X222A1, X223A3 and X224A2. */
export class ClaimTransaction implements Transaction {
  readonly #guide: string;
  readonly #output: Output;
  readonly #header = newLevel();
  #billing: Level | undefined;
  #subscriber: Level | undefined;
  #patient: Level | undefined;
  #level = this.#header;
  #claim: (ClaimLoops & { fault?: SegmentFault }) | undefined;
  #line: Line | undefined;
  /** Where segments go now, and where a party that starts now goes. */
  #segments = this.#header.segments;
  #loops = this.#header.loops;
  #rank = -1;
  /** Of levels without a claim so far. */
  readonly #untold = new Set<SegmentFault>();

  constructor(guide: string, output: Output) {
    this.#guide = guide;
    this.#output = output;
  }

  segment(segment: Segment): void {
    if (!known.has(segment.id)) {
      this.#fault(segment, undefined, 'expected a segment of the 837, found an identifier that it does not have');
      return;
    }
    this.#startLostLevel(segment);
    switch (segment.id) {
      case 'HL':
        this.#finish();
        this.#startLevel(segment, segment.peek(3));
        return;
      case 'CLM':
        this.#finish();
        this.#startClaim(segment);
        return;
      case 'SBR':
        if (this.#claim) {
          const other: OtherPayer = { sbr: segment, segments: [], loops: [] };
          this.#claim.others.push(other);
          this.#place(other.segments, other.loops);
        } else this.#segments.push(segment);
        return;
      case 'LX':
        if (this.#claim) {
          this.#line = { lx: segment, segments: [], loops: [], decisions: [] };
          this.#claim.lines.push(this.#line);
          this.#place(this.#line.segments, this.#line.loops);
        } else this.#fault(segment, undefined, 'expected a CLM segment before it, found none');
        return;
      case 'SVD':
        if (this.#line) {
          const decision = { svd: segment, segments: [] };
          this.#line.decisions.push(decision);
          this.#place(decision.segments, this.#line.loops);
        } else this.#fault(segment, undefined, 'expected an LX segment before it, found none');
        return;
      case 'NM1': {
        const loop: Loop = { nm1: segment, segments: [] };
        this.#loops.push(loop);
        this.#segments = loop.segments;
        this.#rank = 0;
        return;
      }
      default:
        this.#checkOrder(segment);
        this.#segments.push(segment);
    }
  }

  end(cutOffAt?: Segment): void {
    if (cutOffAt && this.#claim) {
      this.#claim.fault ??= new SegmentFault(
        cutOffAt,
        'SE',
        'expected the rest of the claim and an SE segment, found neither',
      );
    }
    this.#finish();
    for (const fault of this.#untold) this.#output.reject(fault);
  }

  /** Where a level starts without its HL segment, its claims would be given to whom the claims before are of. */
  #startLostLevel(segment: Segment): void {
    if (this.#claim === undefined) return;
    const code = this.#levelStartedBy(segment, this.#claim);
    if (code === undefined) return;
    this.#finish();
    this.#startLevel(undefined, code);
    this.#fault(segment, undefined, 'expected an HL segment before it, found none');
  }

  /** What cannot stand in a claim; a subscriber and a provider can, but another payer's and before the lines. */
  #levelStartedBy(segment: Segment, { others }: ClaimLoops): string | undefined {
    if (segment.id === 'PAT') return '23';
    if (segment.id === 'SBR') return this.#line && '22';
    if (segment.id !== 'NM1') return undefined;
    if (others.length > 0 && !this.#line) return undefined;
    return levelsOfParties.get(segment.peek(1));
  }

  #startLevel(hl: Segment | undefined, code: string): void {
    const level = newLevel(hl);
    this.#line = undefined;
    this.#patient = undefined;
    if (code === '20') {
      this.#billing = level;
      this.#subscriber = undefined;
    } else if (code === '22') this.#subscriber = level;
    else if (code === '23') this.#patient = level;
    else this.#subscriber = level;
    this.#level = level;
    this.#place(level.segments, level.loops);
    if (hl && !['20', '22', '23'].includes(code)) this.#fault(hl, 3, 'expected level 20, 22 or 23, found another');
  }

  #startClaim(clm: Segment): void {
    const fault = [this.#header, this.#billing, this.#subscriber, this.#patient].find((level) => level?.fault)?.fault;
    this.#line = undefined;
    this.#claim = {
      guide: this.#guide,
      header: this.#header,
      billing: this.#billing,
      subscriber: this.#subscriber,
      patient: this.#patient,
      clm,
      segments: [],
      loops: [],
      others: [],
      lines: [],
      ...(fault && { fault }),
    };
    this.#place(this.#claim.segments, this.#claim.loops);
  }

  #finish(): void {
    const claim = this.#claim;
    this.#claim = undefined;
    if (claim === undefined) return;
    const number = claim.clm.peek(1) || undefined;
    for (const level of [claim.header, claim.billing, claim.subscriber, claim.patient])
      if (level?.fault) this.#untold.delete(level.fault);
    try {
      if (claim.fault) throw claim.fault;
      this.#output.message(submission(claim), claim.clm);
    } catch (error) {
      if (error instanceof SegmentFault) this.#output.reject(error, number);
      else if (error instanceof Fault) {
        this.#output.reject(new SegmentFault(claim.clm, error.field, error.reason), number);
      } else throw error;
    }
  }

  #place(segments: Segment[], loops: Loop[]): void {
    this.#segments = segments;
    this.#loops = loops;
    this.#rank = -1;
  }

  #checkOrder(segment: Segment): void {
    if (this.#rank < 0) return;
    const rank = order.get(segment.id);
    if (rank === undefined) return;
    if (rank < this.#rank) {
      this.#fault(
        segment,
        undefined,
        'expected it before the segments that stand before it: N3, N4, REF and PER in this order',
      );
    } else this.#rank = rank;
  }

  /** The claim that is open, or all claims of the level, are not taken. */
  #fault(segment: Segment, element: number | undefined, reason: string): void {
    const faulty = this.#claim ?? this.#level;
    if (faulty.fault) return;
    faulty.fault = new SegmentFault(segment, element, reason);
    if (faulty === this.#level) this.#untold.add(faulty.fault);
  }
}
