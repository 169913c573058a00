import { addAmounts, subtractAmount } from '../../claims/amount.ts';
import type { Report } from '../../claims/messages.ts';
import { npiSystem, taxIdSystem } from '../../claims/provider-system.ts';
import type { Claim, ClaimStatus, ClaimType, Item } from '../../claims/schema.ts';
import type { PaidClaim, PaidService } from './x12-835.ts';
import { reportedPatient } from './x12-837-claim.ts';
import { optional } from './x12-837-lines.ts';
import { adjusted, adjustments } from './x12-adjustments.ts';
import { type Segment, SegmentFault, untakenTexts } from './x12-segment.ts';
import { readService } from './x12-service.ts';

/** CLP02, code list 1029. */
const statuses = new Map<string, ClaimStatus>([
  ['1', 'paid'],
  ['2', 'paid'],
  ['3', 'paid'],
  ['4', 'denied'],
  ['19', 'paid'],
  ['20', 'paid'],
  ['21', 'paid'],
  ['22', 'reversed'],
  ['23', 'pending'],
  ['25', 'pending'],
]);

export type Imbalance = NonNullable<Claim['imbalance']>;

/** What an 835 says of one claim, and where its amounts do not balance. */
export function remittance(paidClaim: PaidClaim): { report: Report; imbalance: Imbalance } {
  const { bpr, trn, produced, clp, segments, services } = paidClaim;
  const payerClaimNumber = clp.take(7, 50);
  const number = numberOf(clp, payerClaimNumber);
  const status = statuses.get(clp.required(2, 2));
  if (status === undefined) {
    throw new SegmentFault(
      clp,
      2,
      `expected one of the claim status codes ${[...statuses.keys()].join(', ')}, found another`,
    );
  }
  const charge = clp.requiredAmount(3);
  const paid = clp.requiredAmount(4);
  const responsibility = clp.amount(5);
  const item = services.map((service, index) => line(service, index + 1));
  const claimAdjustments = adjustments(segments);
  const all = [...claimAdjustments, ...item.flatMap(({ adjudication = [] }) => adjudication)];
  const allowedByPayer = segments.find((segment) => segment.id === 'AMT' && segment.is(1, 'AU'))?.amount(2);
  const patientShare = responsibility ?? adjusted(all, 'PR');
  const allowed = allowedByPayer ?? addAmounts([paid, adjusted(all, 'PR')]);
  const imbalance = [
    ...balance(charge, adjusted(all), paid),
    ...item.flatMap((one) =>
      balance(one.charge ?? '0.00', adjusted(one.adjudication ?? []), one.paid ?? '0.00', one.sequence),
    ),
  ];
  const production = produced?.date(2);
  // The day of the production serves also where the day of the payment is none.
  const paymentDate = bpr.day(16) ?? production;
  const date = production ?? paymentDate;
  if (date === undefined)
    throw new SegmentFault(bpr, 16, 'expected the day of the payment as CCYYMMDD, or DTM*405; found neither');
  const reference = trn?.take(2, 50);
  const remark = remarks(segments);
  const { identifiers, taxId, provider } = payee(paidClaim, number);
  const payer = payerOf(paidClaim);
  const payment = {
    amount: paid,
    ...(paymentDate && { date: paymentDate }),
    ...(reference && { identifier: reference }),
  };
  const sets: Report['sets'] = {
    total: { charge, allowed, paid, patientResponsibility: patientShare },
    ...(claimAdjustments.length > 0 && { adjudication: claimAdjustments }),
    ...(remark.length > 0 && { remark }),
    payment,
    ...(imbalance.length > 0 && { imbalance }),
    ...(item.length > 0 && { item }),
  };
  const draft = draftOf(paidClaim, {
    identifier: identifiers[0] as Claim['identifier'],
    provider,
    payer,
    item,
    charge,
    status,
  });
  const source = untaken(paidClaim);
  return {
    imbalance,
    report: {
      kind: 'remittance',
      date,
      ...(reference && { reference }),
      identifiers,
      ...(taxId && { taxId }),
      ...(payerClaimNumber && { payerClaimNumber }),
      ...(payer && { payer }),
      ...(draft && { draft }),
      status,
      sets,
      ...(source && { source }),
    },
  };
}

/** The provider's number; the payer's where it is none: X221A1 has a zero in CLP01 where the claim had no number. */
function numberOf(clp: Segment, payerClaimNumber: string | undefined): string {
  if (!/^0*$/.test(clp.peek(1))) return clp.required(1, 38);
  if (payerClaimNumber) return payerClaimNumber;
  throw new SegmentFault(clp, 1, "expected the provider's number of the claim, or the payer's in CLP07, found neither");
}

/** X221A1, 1.10.2.1: charge − adjustments = paid, of a line and of the claim. */
function balance(charge: string, adjustments: string, paid: string, line?: number): Imbalance {
  const difference = subtractAmount(subtractAmount(charge, adjustments), paid);
  return difference === '0.00' ? [] : [{ ...(line && { line }), charge, adjustments, paid, difference }];
}

function line({ svc, segments }: PaidService, sequence: number): Item {
  const adjudication = adjustments(segments);
  const paid = svc.amount(3) ?? '0.00';
  const allowed = segments.find((segment) => segment.id === 'AMT' && segment.is(1, 'B6'))?.amount(2);
  const remark = segments.flatMap((segment) => {
    const code = segment.id === 'LQ' && segment.is(1, 'HE') ? segment.take(2, 30) : undefined;
    return code ? [{ system: 'RARC', code }] : [];
  });
  return {
    sequence,
    ...optional('servicedPeriod', period(segments, ['150', '151']) ?? period(segments, ['472', '472'])),
    ...optional('revenue', svc.take(4, 10)),
    ...readService(svc, 1),
    ...optional('quantity', svc.decimal(5)),
    ...optional('controlNumber', segments.find((segment) => segment.id === 'REF' && segment.is(1, '6R'))?.take(2, 50)),
    charge: svc.requiredAmount(2),
    allowed: allowed ?? addAmounts([paid, adjusted(adjudication, 'PR')]),
    paid,
    ...(adjudication.length > 0 && { adjudication }),
    ...(remark.length > 0 && { remark }),
  };
}

/** From two DTM segments; one of them stands for both. */
function period(segments: Segment[], [first, last]: [string, string]): Claim['billablePeriod'] | undefined {
  const day = (qualifier: string) =>
    segments.find((segment) => segment.id === 'DTM' && segment.is(1, qualifier))?.date(2);
  const start = day(first) ?? day(last);
  const end = day(last) ?? start;
  return start && end ? { start, end: end < start ? start : end } : undefined;
}

/** MIA and MOA hold remark codes of the claim. */
function remarks(segments: Segment[]) {
  return segments.flatMap((segment) => {
    const elements = segment.id === 'MIA' ? [5, 20, 21, 22, 23] : segment.id === 'MOA' ? [3, 4, 5, 6, 7] : [];
    return elements.flatMap((element) => {
      const code = segment.take(element, 30);
      return code ? [{ system: 'RARC', code }] : [];
    });
  });
}

function payee({ payee, clp }: PaidClaim, value: string) {
  const [n1, ...rest] = payee;
  if (n1 === undefined) throw new SegmentFault(clp, '1000B N1', 'expected the payee, N1*PE, before it, found none');
  const name = n1.take(2);
  const qualifier = n1.peek(3);
  n1.take(3);
  const tax = rest.find((segment) => segment.id === 'REF' && segment.is(1, 'TJ'))?.take(2, 50);
  const named = n1.take(4, 80);
  const npi = qualifier === 'XX' ? named : undefined;
  const taxId = (qualifier === 'FI' ? (named ?? tax) : tax)?.replaceAll('-', '');
  const id = named ?? taxId;
  if (id === undefined) {
    throw new SegmentFault(n1, 4, 'expected the number of the payee, or its tax number in REF*TJ; found neither');
  }
  return {
    provider: { id, ...(npi && /^\d{10}$/.test(npi) && { npi }), ...(name && { name }) },
    identifiers: [
      ...(npi ? [{ system: npiSystem(npi), value }] : []),
      ...(taxId ? [{ system: taxIdSystem(taxId), value }] : []),
      ...(npi || taxId ? [] : [{ system: taxIdSystem(id), value }]),
    ],
    taxId: npi ? undefined : taxId,
  };
}

function payerOf({ payer }: PaidClaim): { id?: string; name?: string } | undefined {
  const [n1, ...rest] = payer;
  if (n1 === undefined) return undefined;
  n1.is(1, 'PR');
  const name = n1.take(2);
  n1.take(3);
  const id = n1.take(4, 80) ?? rest.find((segment) => segment.id === 'REF' && segment.is(1, '2U'))?.take(2, 50);
  return { ...(id && { id }), ...(name && { name }) };
}

interface Known {
  identifier: Claim['identifier'];
  provider: NonNullable<Claim['provider']>;
  payer: { id?: string; name?: string } | undefined;
  item: Item[];
  charge: string;
  status: ClaimStatus;
}

/** The claim that the remittance alone makes. */
function draftOf(
  paidClaim: PaidClaim,
  { identifier, provider, payer, item, charge, status }: Known,
): Claim | undefined {
  const { clp, segments } = paidClaim;
  const nm1 = segments.find((segment) => segment.id === 'NM1' && segment.is(1, 'QC'));
  const subscriber = segments.find((segment) => segment.id === 'NM1' && segment.peek(1) === 'IL');
  nm1?.is(2, '1');
  const { id: patientId, who } = reportedPatient(nm1, subscriber);
  const billablePeriod = period(segments, ['232', '233']) ?? period(segments, ['472', '472']) ?? ofLines(item);
  if (billablePeriod === undefined || !patientId) return undefined;
  nm1?.is(8, 'MI', 'HN', 'II');
  const facility = clp.take(8, 2);
  const frequency = clp.take(9, 1);
  const bill =
    frequency !== undefined && facility !== undefined && /^[1-8]/.test(facility) && isInstitutional(paidClaim);
  const rendering = segments.find((segment) => segment.id === 'NM1' && segment.peek(1) === '82' && segment.peek(9));
  if (rendering) for (const element of [1, 2, 8]) rendering.take(element);
  const insurer = payer?.id ?? payer?.name;
  const type = typeOf(paidClaim, item);
  const info = [
    ...(facility
      ? [
          bill
            ? { category: 'type-of-bill', system: 'NUBC', code: `${facility}${frequency}` }
            : { category: 'place-of-service', system: 'CMS-POS', code: facility },
        ]
      : []),
    ...optionalInfo('ms-drg', 'MS-DRG', clp.take(11, 10)),
  ];
  return {
    identifier,
    type,
    use: status === 'pending' && clp.peek(2) === '25' ? 'predetermination' : 'claim',
    status,
    patient: {
      ...(payer?.id && { system: `urn:x12:member:${payer.id}` }),
      id: patientId,
      ...who,
    },
    ...(insurer && { insurer: { id: insurer.slice(0, 100), ...(payer?.name && { name: payer.name }) } }),
    provider,
    ...(rendering && { careTeam: [{ role: 'rendering', id: rendering.required(9, 80) }] }),
    billablePeriod,
    diagnosis: [],
    procedure: [],
    ...(info.length > 0 && { supportingInfo: info }),
    item: item.map(({ allowed: _, paid: __, adjudication: ___, remark: ____, ...rest }) => rest),
    total: { charge },
  };
}

const optionalInfo = (category: string, system: string, code: string | undefined) =>
  code ? [{ category, system, code }] : [];

function ofLines(item: Item[]): Claim['billablePeriod'] | undefined {
  const periods = item.flatMap(({ servicedPeriod }) => servicedPeriod ?? []);
  if (periods.length === 0) return undefined;
  return {
    start: periods.map(({ start }) => start).sort()[0] as string,
    end: periods
      .map(({ end }) => end)
      .sort()
      .at(-1) as string,
  };
}

const isInstitutional = ({ segments, services, clp }: PaidClaim) =>
  clp.peek(11) !== '' ||
  ['MA'].includes(clp.peek(6)) ||
  segments.some(({ id }) => id === 'MIA') ||
  services.some(({ svc }) => svc.peek(4) !== '' || svc.components(1)[0] === 'NU');

function typeOf(paidClaim: PaidClaim, item: Item[]): ClaimType {
  if (isInstitutional(paidClaim)) return 'institutional';
  const system = item[0]?.productOrService?.system;
  return system === 'CDT' ? 'oral' : system === 'NDC' ? 'pharmacy' : 'professional';
}

/** Segments as the file has them that hold anything the claim has no field for. */
function untaken(paidClaim: PaidClaim): Record<string, string[]> | undefined {
  const { bpr, trn, produced, header, payer, payee, clp, segments, services } = paidClaim;
  const source: Record<string, string[]> = {};
  const add = (place: string, list: (Segment | undefined)[]) => {
    const texts = untakenTexts(list);
    if (texts.length > 0) source[place] = texts;
  };
  add('header', [bpr, trn, produced, ...header, ...payer, ...payee]);
  add('2100', [clp, ...segments]);
  services.forEach(({ svc, segments: rest }, index) => {
    add(`2110.${index + 1}`, [svc, ...rest]);
  });
  return Object.keys(source).length > 0 ? source : undefined;
}
