import { addAmounts, parseAmount, subtractAmount } from '../../claims/amount.ts';
import { Fault } from '../../claims/render.ts';
import type { Output, Transaction } from './x12.ts';
import { remittance } from './x12-835-claim.ts';
import { type Segment, SegmentFault } from './x12-segment.ts';

/** A paid service (2110) and what follows it. */
export interface PaidService {
  svc: Segment;
  segments: Segment[];
}

/** A paid claim (2100) with what the transaction says of all of them. */
export interface PaidClaim {
  bpr: Segment;
  trn: Segment | undefined;
  /** DTM*405, the production date. */
  produced: Segment | undefined;
  /** Others of the transaction (REF, CUR, NTE) and of the claim's header number (TS3, TS2). */
  header: Segment[];
  payer: Segment[];
  payee: Segment[];
  clp: Segment;
  segments: Segment[];
  services: PaidService[];
}

/** Health care claim payment and advice, 005010X221A1. */
const known = new Set(
  'BPR NTE TRN CUR REF DTM N1 N2 N3 N4 PER RDM LX TS3 TS2 CLP CAS NM1 MIA MOA AMT QTY SVC LQ PLB'.split(' '),
);

export class RemittanceTransaction implements Transaction {
  readonly #output: Output;
  #bpr: Segment | undefined;
  #trn: Segment | undefined;
  #produced: Segment | undefined;
  readonly #payer: Segment[] = [];
  #payee: Segment[] = [];
  readonly #others: Segment[] = [];
  /** Behind the last LX. */
  #summaries: Segment[] = [];
  #party: Segment[] | undefined;
  #claim: (Pick<PaidClaim, 'clp' | 'segments' | 'services'> & { fault?: SegmentFault }) | undefined;
  #segments: Segment[] = [];
  /** Of all claims that follow; nobody may have been told of it yet. */
  #fault: { fault: SegmentFault; told: boolean } | undefined;
  /** Of all CLP, and of all PLB. */
  readonly #paid: string[] = [];
  readonly #providerAdjustments: string[] = [];

  constructor(output: Output) {
    this.#output = output;
  }

  segment(segment: Segment): void {
    if (!known.has(segment.id)) {
      const fault = new SegmentFault(
        segment,
        undefined,
        'expected a segment of the 835, found an identifier that it does not have',
      );
      if (this.#claim) this.#claim.fault ??= fault;
      else this.#fault ??= { fault, told: false };
      return;
    }
    switch (segment.id) {
      case 'BPR':
        this.#bpr = segment;
        return;
      case 'TRN':
        this.#trn ??= segment;
        return;
      case 'N1':
        this.#finish();
        // Against the guide some payers put the claims of several payees into one transaction, each behind its own.
        if (segment.is(1, 'PE')) this.#payee = [];
        this.#party = segment.is(1, 'PE') ? this.#payee : this.#payer;
        this.#party.push(segment);
        return;
      case 'LX':
        this.#finish();
        this.#party = undefined;
        this.#summaries = [];
        return;
      case 'TS3':
      case 'TS2':
        this.#summaries.push(segment);
        return;
      case 'CLP':
        this.#finish();
        this.#party = undefined;
        this.#segments = [];
        this.#claim = { clp: segment, segments: this.#segments, services: [] };
        // Also of a claim that is not taken: the payment holds it.
        this.#paid.push(parseAmount(segment.peek(4)) ?? '0.00');
        return;
      case 'SVC':
        if (this.#claim) {
          this.#segments = [];
          this.#claim.services.push({ svc: segment, segments: this.#segments });
        } else {
          const fault = new SegmentFault(segment, undefined, 'expected a CLP segment before it, found none');
          this.#fault ??= { fault, told: false };
        }
        return;
      case 'PLB':
        this.#finish();
        this.#providerAdjustment(segment);
        return;
      default:
        if (this.#claim) this.#segments.push(segment);
        else if (this.#party) this.#party.push(segment);
        else if (segment.id === 'DTM' && segment.is(1, '405')) this.#produced = segment;
        else this.#others.push(segment);
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
    if (this.#fault && !this.#fault.told) this.#output.reject(this.#fault.fault);
    if (!cutOffAt && this.#bpr) this.#balance(this.#bpr);
  }

  #finish(): void {
    const claim = this.#claim;
    this.#claim = undefined;
    if (claim === undefined) return;
    const { clp } = claim;
    const number = clp.peek(1) || undefined;
    try {
      if (this.#fault) {
        this.#fault.told = true;
        throw this.#fault.fault;
      }
      if (claim.fault) throw claim.fault;
      if (this.#bpr === undefined) throw new SegmentFault(clp, 'BPR', 'expected a BPR segment before it, found none');
      const { report, imbalance } = remittance({
        ...claim,
        bpr: this.#bpr,
        trn: this.#trn,
        produced: this.#produced,
        header: [...this.#others, ...this.#summaries],
        payer: this.#payer,
        payee: this.#payee,
      });
      this.#output.message(report, clp);
      for (const { line, charge, adjustments, paid, difference } of imbalance) {
        const what = line === undefined ? 'the claim' : `line ${line}`;
        this.#output.warning(
          clp,
          line === undefined ? 'CLP04' : 'SVC03',
          `expected charge − adjustments = paid of ${what}, found ${charge} − ${adjustments} and ${paid}: a difference of ${difference}`,
          number,
        );
      }
    } catch (error) {
      if (error instanceof SegmentFault) this.#output.reject(error, number);
      else if (error instanceof Fault) this.#output.reject(new SegmentFault(clp, error.field, error.reason), number);
      else throw error;
    }
  }

  /** PLB: what the payer adds to or takes from the payment and no claim explains. */
  #providerAdjustment(plb: Segment): void {
    try {
      for (let element = 3; element + 1 < plb.length; element += 2) {
        const amount = plb.amount(element + 1);
        if (amount === undefined) continue;
        this.#providerAdjustments.push(amount);
        const [reason = '', reference] = plb.components(element);
        this.#output.warning(
          plb,
          plb.name(element),
          `an adjustment of ${amount} for reason ${/^\w{1,3}$/.test(reason) ? reason : 'unknown'} is of the provider and of no claim`,
          // Of a claim that was paid before, or an invoice.
          reference || undefined,
        );
      }
    } catch (error) {
      if (error instanceof SegmentFault) this.#output.reject(error);
      else throw error;
    }
  }

  /** X221A1, 1.10.2.1.3: the payment is what the claims were paid, less the provider adjustments. */
  #balance(bpr: Segment): void {
    try {
      const amount = bpr.requiredAmount(2);
      const payment = bpr.peek(3) === 'D' ? subtractAmount('0.00', amount) : amount;
      const expected = subtractAmount(addAmounts(this.#paid), addAmounts(this.#providerAdjustments));
      if (payment === expected) return;
      this.#output.warning(
        bpr,
        'BPR02',
        `expected the sum of CLP04 less the PLB adjustments, ${expected}, found ${payment}: a difference of ${subtractAmount(payment, expected)}`,
      );
    } catch (error) {
      if (error instanceof SegmentFault) this.#output.reject(error);
      else throw error;
    }
  }
}
