import type { Report } from '../../claims/messages.ts';
import { npiSystem, taxIdSystem } from '../../claims/provider-system.ts';
import { Fault } from '../../claims/render.ts';
import type { Claim, ClaimStatus } from '../../claims/schema.ts';
import type { Output, Transaction } from './x12.ts';
import { insurerOf, organizationName, reportedPatient } from './x12-837-claim.ts';
import { type Segment, SegmentFault, untakenTexts } from './x12-segment.ts';

const known = new Set('BHT HL NM1 PER TRN STC QTY AMT REF DTP DMG SVC N3 N4'.split(' '));

interface Level {
  hl: Segment;
  code: string;
  segments: Segment[];
}

/** A claim's trace (2200D, 2200E) and what follows it. */
interface Traced {
  trn: Segment;
  segments: Segment[];
}

/**
 * Health care claim acknowledgement (277CA, 005010X214) and status response (277, 005010X212): a claim's status is under
 * the patient's level, or under the subscriber's where that is the patient.
 */
export class StatusTransaction implements Transaction {
  readonly #output: Output;
  #bht: Segment | undefined;
  #payer: Level | undefined;
  #receiver: Level | undefined;
  #provider: Level | undefined;
  #patient: Level | undefined;
  #subscriber: Level | undefined;
  #level: Level | undefined;
  #claim: Traced | undefined;
  /** Of the level, and so of its claims; nobody may have been told of it yet. */
  #fault: { fault: SegmentFault; told: boolean } | undefined;

  constructor(output: Output) {
    this.#output = output;
  }

  segment(segment: Segment): void {
    if (!known.has(segment.id)) {
      this.#fail(segment, undefined, 'expected a segment of the 277, found an identifier that it does not have');
      return;
    }
    if (segment.id === 'BHT') this.#bht = segment;
    else if (segment.id === 'HL') {
      this.#finish();
      this.#tell();
      this.#start(segment);
    } else if (segment.id === 'TRN' && this.#patient) {
      this.#finish();
      this.#claim = { trn: segment, segments: [] };
    } else if (this.#claim) this.#claim.segments.push(segment);
    else {
      if (segment.id === 'STC') this.#ofAll(segment);
      this.#level?.segments.push(segment);
    }
  }

  end(cutOffAt?: Segment): void {
    if (cutOffAt && this.#claim)
      this.#fail(cutOffAt, 'SE', 'expected the rest of the claim and an SE segment, found neither');
    this.#finish();
    this.#tell();
  }

  #fail(segment: Segment, element: string | undefined, reason: string): void {
    this.#fault ??= { fault: new SegmentFault(segment, element, reason), told: false };
  }

  /** Of a fault that no claim was refused for. */
  #tell(): void {
    if (this.#fault && !this.#fault.told) this.#output.reject(this.#fault.fault);
    this.#fault = undefined;
  }

  #start(hl: Segment): void {
    const code = hl.peek(3);
    const level = { hl, code, segments: [] };
    this.#level = level;
    this.#patient = undefined;
    if (code === '20') this.#payer = level;
    else if (code === '21') this.#receiver = level;
    else if (code === '19') this.#provider = level;
    else if (code === '22' || code === '23' || code === 'PT') this.#patient = level;
    if (code !== '23') this.#subscriber = code === '22' ? level : undefined;
  }

  /** A status of everything that a receiver or provider sent; no claim is named by it. */
  #ofAll(stc: Segment): void {
    const [category = ''] = stc.components(1);
    if (statusOf(category) !== 'rejected') return;
    this.#output.warning(
      stc,
      'STC01',
      `all that this level sent was rejected (${category}); claims that it does not name are not changed`,
    );
  }

  #finish(): void {
    const claim = this.#claim;
    this.#claim = undefined;
    if (claim === undefined) return;
    const number = this.#numberOf(claim);
    try {
      if (this.#fault) {
        this.#fault.told = true;
        throw this.#fault.fault;
      }
      const report = this.#report(claim, number);
      if (report) this.#output.message(report, claim.trn);
    } catch (error) {
      if (error instanceof SegmentFault) this.#output.reject(error, number);
      else if (error instanceof Fault)
        this.#output.reject(new SegmentFault(claim.trn, error.field, error.reason), number);
      else throw error;
    }
  }

  /** In an acknowledgement the trace is the provider's number of the claim; in a response that stands in REF*EJ. */
  #numberOf({ trn, segments }: Traced): string | undefined {
    const account = segments.find((segment) => segment.id === 'REF' && segment.is(1, 'EJ'))?.take(2, 50);
    return account ?? trn.take(2, 50);
  }

  #report(claim: Traced, number: string | undefined): Report | undefined {
    const { trn, segments } = claim;
    if (number === undefined) throw new SegmentFault(trn, 2, "expected the provider's number of the claim, found none");
    const stcs = ofClaim(segments).filter(({ id }) => id === 'STC');
    const [stc] = stcs;
    if (stc === undefined) throw new SegmentFault(trn, 'STC', 'expected the status of the claim, STC, found none');
    const statusCode = stcs.flatMap(statusCodes);
    // Of several the first that says where the claim stands; that it was received is true of all others too.
    const said = statusCode.flatMap(({ category }) => statusOf(category) ?? []);
    const status = said.find((found) => found !== 'submitted') ?? said[0];
    const date = stc.date(2) ?? this.#bht?.date(4);
    if (date === undefined) throw new SegmentFault(stc, 2, 'expected the date of the status, found none');
    const reference = this.#bht?.take(3, 50);
    const payerClaimNumber = segments.find((segment) => segment.id === 'REF' && segment.is(1, '1K'))?.take(2, 50);
    const provider = this.#providerOf(trn);
    const identifiers = [{ system: provider.system, value: number }];
    const payerNm1 = this.#payer?.segments.find(({ id }) => id === 'NM1');
    const payer = payerNm1 && insurerOf(payerNm1);
    const draft = this.#draft(claim, {
      identifier: identifiers[0] as Claim['identifier'],
      provider: provider.provider,
      payer,
      stc,
      status,
    });
    const source = this.#untaken(segments);
    return {
      kind: 'status',
      date,
      ...(reference && { reference }),
      identifiers,
      ...(provider.taxId && { taxId: provider.taxId }),
      ...(payerClaimNumber && { payerClaimNumber }),
      ...(payer && { payer }),
      ...(draft && { draft }),
      ...(status && { status }),
      sets: { statusCode },
      ...(source && { source }),
    };
  }

  /** Segments as the file has them that hold anything the claim has no field for, of the claim and of what is above it. */
  #untaken(segments: Segment[]): Record<string, string[]> | undefined {
    const levels = [this.#payer, this.#receiver, this.#provider, this.#subscriber, this.#patient];
    const header = untakenTexts([this.#bht, ...[...new Set(levels)].flatMap((level) => level?.segments ?? [])]);
    const own = untakenTexts(segments);
    if (header.length + own.length === 0) return undefined;
    return { ...(header.length > 0 && { header }), ...(own.length > 0 && { 2200: own }) };
  }

  #providerOf(trn: Segment) {
    const nm1 = this.#provider?.segments.find(({ id }) => id === 'NM1');
    if (nm1 === undefined)
      throw new SegmentFault(trn, '2100C NM1', 'expected the provider, NM1*85 or NM1*1P, found none');
    const id = nm1.required(9, 80);
    const isNpi = nm1.peek(8) === 'XX';
    const name = organizationName(nm1);
    return {
      provider: { id, ...(isNpi && /^\d{10}$/.test(id) && { npi: id }), ...(name && { name }) },
      system: isNpi ? npiSystem(id) : taxIdSystem(id),
      taxId: isNpi ? undefined : id,
    };
  }

  /** The claim that the status alone makes. */
  #draft(
    { segments }: Traced,
    known: {
      identifier: Claim['identifier'];
      provider: NonNullable<Claim['provider']>;
      payer: Claim['insurer'];
      stc: Segment;
      status: ClaimStatus | undefined;
    },
  ): Claim | undefined {
    const period = segments.find((segment) => segment.id === 'DTP' && segment.is(1, '472'))?.period(2, 3);
    const nm1 = this.#patient?.segments.find(({ id }) => id === 'NM1');
    const subscriber = this.#subscriber?.segments.find(({ id }) => id === 'NM1');
    const { id: patientId, who } = reportedPatient(nm1, subscriber);
    if (period === undefined || nm1 === undefined || !patientId) return undefined;
    const charge = known.stc.amount(4);
    const bill = segments.find((segment) => segment.id === 'REF' && segment.is(1, 'BLT'))?.take(2, 10);
    return {
      identifier: known.identifier,
      type: bill ? 'institutional' : 'professional',
      use: 'claim',
      status: known.status ?? 'submitted',
      patient: {
        ...(known.payer && { system: `urn:x12:member:${known.payer.id}` }),
        id: patientId,
        ...who,
      },
      ...(known.payer && { insurer: known.payer }),
      provider: known.provider,
      billablePeriod: period,
      diagnosis: [],
      procedure: [],
      ...(bill && { supportingInfo: [{ category: 'type-of-bill', system: 'NUBC', code: bill }] }),
      item: [],
      total: charge ? { charge } : {},
    };
  }
}

/** Up to the first service: the status of a line stays with what was not taken. */
function ofClaim(segments: Segment[]): Segment[] {
  const service = segments.findIndex(({ id }) => id === 'SVC');
  return service < 0 ? segments : segments.slice(0, service);
}

function statusCodes(stc: Segment): NonNullable<Claim['statusCode']> {
  const date = stc.date(2);
  return [1, 10, 11].flatMap((element) => {
    const [category = '', status = '', entity = ''] = stc.components(element);
    if (category === '') return [];
    if (status === '' || category.length > 10 || status.length > 10) {
      throw new SegmentFault(stc, element, 'expected a status category and a status code, found something else');
    }
    stc.taken(element);
    return [{ category, status, ...(entity && { entity: entity.slice(0, 10) }), ...(date && { date }) }];
  });
}

/** Claim status category codes (code list 507); undefined where one does not say where the claim stands. */
function statusOf(category: string): ClaimStatus | undefined {
  if (['A0', 'A1'].includes(category)) return 'submitted';
  if (category === 'A2') return 'accepted';
  if (/^A[3678]$/.test(category)) return 'rejected';
  if (/^[PR]\d/.test(category)) return 'pending';
  if (category === 'F2') return 'denied';
  if (/^F[0134]/.test(category)) return 'paid';
  return undefined;
}
