import { hash } from 'node:crypto';
import { codeSystems } from '../../claims/codes.ts';
import type { Submission } from '../../claims/messages.ts';
import { npiSystem, taxIdSystem } from '../../claims/provider-system.ts';
import type { Claim, ClaimType } from '../../claims/schema.ts';
import type { ClaimLoops, Level, Loop } from './x12-837.ts';
import { healthInformation } from './x12-837-codes.ts';
import { items, otherPayers, serviceDates } from './x12-837-lines.ts';
import { untaken } from './x12-837-source.ts';
import { type Segment, SegmentFault } from './x12-segment.ts';

/** From the loops of an 837 to the claim that it submits. Names and numbers of elements as in the guides. */
export function submission(loops: ClaimLoops): Submission {
  const { clm, header, subscriber } = loops;
  const type = typeOf(loops);
  const number = clm.required(1, 38);
  const charge = clm.requiredAmount(2);
  const facility = facilityOf(clm);
  const { provider, taxId, system } = billingProvider(loops);
  const insured = subscriberOf(loops);
  const { diagnosis, procedure, supportingInfo } = healthInformation(loops, type);
  const item = items(loops, diagnosis, facility.place);
  const bht = header.segments.find(({ id }) => id === 'BHT');
  const sent = bht?.date(4);
  const use = clm.is(19, 'PB') ? 'predetermination' : 'claim';
  // What is yet to be done has no date; the claim is found by the day of the request.
  const billablePeriod = serviceDates(loops, item, use === 'predetermination' ? sent : undefined);
  const payer = subscriber && party(subscriber.loops, 'PR');
  const insurer = payer && insurerOf(payer.nm1);
  const { original, otherIdentifier } = references(loops);
  const date = sent ?? billablePeriod.end;
  const reference = bht?.take(3, 50);
  const careTeam = team(loops.loops);
  const insurance = otherPayers(loops);
  const info = [
    ...facility.info,
    ...institutional(loops, billablePeriod),
    ...supportingInfo,
    { category: 'claim-frequency', system: codeSystems.nubc, code: facility.frequency },
  ];
  const claim: Claim = {
    identifier: { system, value: number },
    ...(otherIdentifier.length > 0 && { otherIdentifier }),
    type,
    ...(type === 'institutional' && { subType: inpatientBills.has(facility.code) ? 'inpatient' : 'outpatient' }),
    use,
    status: 'submitted',
    created: date,
    patient: insured.patient,
    ...(insured.subscriber && { subscriber: insured.subscriber }),
    ...(insurer && { insurer }),
    ...(original && { related: [{ relationship: 'replaces', value: original }] }),
    provider,
    ...(careTeam.length > 0 && { careTeam }),
    billablePeriod,
    diagnosis,
    procedure,
    supportingInfo: info,
    item,
    ...(insurance.length > 0 && { insurance }),
    total: { charge },
  };
  const source = untaken(loops);
  return {
    kind: 'submission',
    date,
    ...(reference && { reference }),
    frequency: facility.frequency,
    ...(original && { original }),
    ...(taxId && { taxId }),
    claim: Object.keys(source).length > 0 ? { ...claim, source } : claim,
  };
}

/** Types of bill, first two digits, of inpatient claims (NUBC form locator 4). */
const inpatientBills = new Set(['11', '12', '18', '21', '22', '28', '41', '65', '66', '86']);

const guides: [part: string, type: ClaimType][] = [
  ['X222', 'professional'],
  ['X223', 'institutional'],
  ['X224', 'oral'],
];

function typeOf({ guide, clm, lines }: ClaimLoops): ClaimType {
  const named = guides.find(([part]) => guide.includes(part));
  if (named) return named[1];
  const line = lines[0]?.segments.find(({ id }) => /^SV[123]$/.test(id));
  const type = { SV1: 'professional', SV2: 'institutional', SV3: 'oral' }[line?.id ?? ''];
  if (type === undefined) {
    throw new SegmentFault(clm, 'ST03', 'expected guide 005010X222, X223 or X224 in ST03 or GS08, found another');
  }
  return type as ClaimType;
}

/** CLM05: place of service or type of bill, and the frequency. */
function facilityOf(clm: Segment) {
  const [code = '', qualifier = '', frequency = ''] = clm.components(5);
  if (code === '') throw new SegmentFault(clm, 5, 'expected a facility code and a claim frequency, found none');
  if (code.length > 2 || !/^[0-9A-Z]$/.test(frequency || '1')) {
    throw new SegmentFault(clm, 5, 'expected a facility code of two characters and a claim frequency of one');
  }
  clm.taken(5);
  const isBill = qualifier === 'A';
  return {
    code,
    frequency: frequency || '1',
    place: isBill ? undefined : code,
    info: [
      isBill
        ? { category: 'type-of-bill', system: codeSystems.nubc, code: `${code}${frequency}` }
        : { category: 'place-of-service', system: 'CMS-POS', code },
    ],
  };
}

export function party(loops: Loop[], ...qualifiers: string[]): Loop | undefined {
  const found = loops.find(({ nm1 }) => qualifiers.includes(nm1.peek(1)));
  found?.nm1.take(1);
  return found;
}

function billingProvider({ billing, clm }: ClaimLoops) {
  const loop = billing && party(billing.loops, '85');
  if (loop === undefined) {
    throw new SegmentFault(billing?.hl ?? clm, '2010AA NM1', 'expected the billing provider, NM1*85, found none');
  }
  const { nm1, segments } = loop;
  nm1.is(2, '1', '2');
  const npi = nm1.is(8, 'XX') ? nm1.take(9, 80) : undefined;
  const tax = segments.find((segment) => segment.id === 'REF' && segment.is(1, 'EI', 'SY'));
  const taxId = tax?.take(2, 50)?.replaceAll('-', '');
  const id = npi ?? taxId ?? nm1.take(9, 80);
  if (id === undefined) {
    throw new SegmentFault(
      nm1,
      9,
      'expected the NPI of the billing provider, or its tax number in REF*EI; found neither',
    );
  }
  const name = organizationName(nm1);
  return {
    provider: { id, ...(npi && /^\d{10}$/.test(npi) && { npi }), ...(name && { name }) },
    taxId,
    system: npi ? npiSystem(npi) : taxIdSystem(id),
  };
}

/** NM103, with the given names of a person behind it. */
export function organizationName(nm1: Segment): string | undefined {
  const [family, ...given] = [nm1.take(3), nm1.take(4), nm1.take(5)];
  const names = given.filter(Boolean).join(' ');
  return family && names ? `${family}, ${names}` : family;
}

export function insurerOf(nm1: Segment) {
  nm1.is(2, '2', '1');
  nm1.is(8, 'PI', 'XV');
  const name = nm1.take(3);
  const id = nm1.take(9, 80) ?? name?.slice(0, 100);
  return id ? { id, ...(name && { name }) } : undefined;
}

export function personName(nm1: Segment) {
  const family = nm1.take(3);
  const given = [nm1.take(4), nm1.take(5)].filter(Boolean).join(' ');
  return family || given ? { name: { ...(family && { family }), ...(given && { given }) } } : {};
}

const genders = { F: 'female', M: 'male', U: 'unknown' } as const;

function demographics(segments: Segment[]) {
  const dmg = segments.find(({ id }) => id === 'DMG');
  if (dmg === undefined) return {};
  dmg.is(1, 'D8');
  const birthDate = dmg.date(2);
  const gender = genders[dmg.peek(3) as keyof typeof genders];
  if (gender) dmg.take(3);
  return { ...(birthDate && { birthDate }), ...(gender && { gender }) };
}

function subscriberOf({ subscriber, patient, clm }: ClaimLoops): Pick<Claim, 'patient' | 'subscriber'> {
  const insured = subscriber && party(subscriber.loops, 'IL');
  if (insured === undefined) {
    throw new SegmentFault(subscriber?.hl ?? clm, '2010BA NM1', 'expected the subscriber, NM1*IL, found none');
  }
  const { nm1 } = insured;
  nm1.is(2, '1', '2');
  const system = `urn:x12:member:${payerId(subscriber as Level)}`;
  nm1.is(8, 'MI', 'II');
  const id = nm1.take(9, 80);
  if (patient === undefined) {
    const who = { ...personName(nm1), ...demographics(insured.segments) };
    if (id === undefined && !('name' in who)) {
      throw new SegmentFault(nm1, 9, 'expected the member number of the subscriber, or a name; found neither');
    }
    return { patient: { system, id: id ?? derivedId(unnumbered, who), ...who } };
  }
  const dependent = party(patient.loops, 'QC');
  if (dependent === undefined) {
    throw new SegmentFault(patient.hl ?? clm, '2010CA NM1', 'expected the patient, NM1*QC, found none');
  }
  dependent.nm1.is(2, '1');
  const relationship = patient.segments.find((segment) => segment.id === 'PAT')?.take(1, 2);
  const who = { ...personName(dependent.nm1), ...demographics(dependent.segments) };
  return {
    patient: { system, id: derivedId(id ?? unnumbered, who), ...who },
    subscriber: { id: id ?? unnumbered, ...personName(nm1), ...(relationship && { relationship }) },
  };
}

const payerId = (subscriber: Level) =>
  subscriber.loops
    .find(({ nm1 }) => nm1.peek(1) === 'PR')
    ?.nm1.peek(9)
    .slice(0, 80) || 'unknown';

/**
 * Whom a remittance or a status means: a dependent has the number of the subscriber; where none is said, as it may be in
 * why a claim is rejected, the name makes one. Takes the number and the name.
 */
export function reportedPatient(patient: Segment | undefined, subscriber: Segment | undefined) {
  const who = patient ? personName(patient) : {};
  const id = patient?.take(9, 80) || subscriber?.peek(9) || ('name' in who ? derivedId(unnumbered, who) : undefined);
  return { id, who };
}

/** In place of a member number that is not said. */
const unnumbered = 'unknown';

/**
 * Dependents have no number of their own since version 005010, nor have all subscribers where an accident is insured:
 * what tells them apart makes one that tells nothing.
 */
function derivedId(memberId: string, who: object): string {
  return `${memberId}-${hash('sha256', JSON.stringify(who), 'hex').slice(0, 8)}`;
}

const numberTypes = new Map([
  ['D9', 'clearinghouse-number'],
  ['EA', 'medical-record-number'],
  ['G1', 'prior-authorization'],
  ['9F', 'referral'],
  ['9A', 'repriced-claim-number'],
  ['9C', 'adjusted-repriced-claim-number'],
]);

function references({ segments }: ClaimLoops) {
  const otherIdentifier: NonNullable<Claim['otherIdentifier']> = [];
  let original: string | undefined;
  for (const segment of segments) {
    if (segment.id !== 'REF') continue;
    const type = numberTypes.get(segment.peek(1));
    if (segment.is(1, 'F8')) original = segment.required(2, 50);
    else if (type) {
      const value = segment.required(2, 50);
      segment.take(1);
      otherIdentifier.push({ type, value });
    }
  }
  return { original, otherIdentifier };
}

const roles = new Map([
  ['71', 'attending'],
  ['72', 'operating'],
  ['ZZ', 'other-operating'],
  ['82', 'rendering'],
  ['DN', 'referring'],
  ['P3', 'primary'],
  ['DQ', 'supervising'],
  ['DD', 'assisting'],
  ['77', 'facility'],
]);

function team(loops: Loop[]): NonNullable<Claim['careTeam']> {
  return loops.flatMap(({ nm1 }) => {
    const role = roles.get(nm1.peek(1));
    if (role === undefined || nm1.peek(9) === '') return [];
    nm1.take(1);
    nm1.is(8, 'XX');
    nm1.is(2, '1', '2');
    return [{ role, id: nm1.required(9, 80) }];
  });
}

/** CL1 and the dates of admission and discharge (837I). */
function institutional({ segments }: ClaimLoops, billable: Claim['billablePeriod']) {
  const info: NonNullable<Claim['supportingInfo']> = [];
  const cl1 = segments.find(({ id }) => id === 'CL1');
  const columns = [
    [1, 'admission-type'],
    [2, 'admission-source'],
    [3, 'discharge-status'],
  ] as const;
  for (const [element, category] of columns) {
    const code = cl1?.take(element, 10);
    if (code) info.push({ category, system: codeSystems.nubc, code });
  }
  const admission = segments.find((segment) => segment.id === 'DTP' && segment.peek(1) === '435');
  // An hour of admission stays in what was not taken.
  const start = admission?.period(2, 3)?.start;
  if (start && admission?.peek(2) !== 'DT') admission?.take(1);
  if (start)
    info.push({ category: 'admission-period', period: { start, end: billable.end > start ? billable.end : start } });
  return info;
}
