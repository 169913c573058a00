import { codeSystems } from '../../claims/codes.ts';
import type { Claim, Item } from '../../claims/schema.ts';
import type { ClaimLoops, Line, Loop } from './x12-837.ts';
import { insurerOf, party } from './x12-837-claim.ts';
import { adjustments } from './x12-adjustments.ts';
import { type Segment, SegmentFault } from './x12-segment.ts';
import { readService } from './x12-service.ts';

const dtp = (segments: Segment[], qualifier: string) =>
  segments.find((segment) => segment.id === 'DTP' && segment.is(1, qualifier))?.period(2, 3);

/** First and last day: the statement's dates, else the claim's, else those of its lines, the admission, or the day given. */
export function serviceDates(
  { segments, clm }: ClaimLoops,
  item: Item[],
  otherwise: string | undefined,
): Claim['billablePeriod'] {
  const statement = dtp(segments, '434') ?? dtp(segments, '472');
  if (statement) return statement;
  let start: string | undefined;
  let end: string | undefined;
  for (const { servicedPeriod } of item) {
    if (servicedPeriod === undefined) continue;
    if (start === undefined || servicedPeriod.start < start) start = servicedPeriod.start;
    if (end === undefined || servicedPeriod.end > end) end = servicedPeriod.end;
  }
  const admitted =
    start ??
    segments.find((segment) => segment.id === 'DTP' && segment.peek(1) === '435')?.period(2, 3)?.start ??
    otherwise;
  if (admitted === undefined) {
    throw new SegmentFault(
      clm,
      'DTP',
      'expected the date of service, DTP*472 of a line or DTP*434 of the claim, found neither',
    );
  }
  return { start: admitted, end: end ?? admitted };
}

export function items(loops: ClaimLoops, diagnosis: Claim['diagnosis'], place: string | undefined): Item[] {
  if (loops.lines.length === 0) {
    throw new SegmentFault(loops.clm, '2400 LX', 'expected a service line, found none');
  }
  // Pointers count the principal and the other diagnoses, not those of admission and causes.
  const pointed = diagnosis.filter(({ type }) => type === undefined || type === 'principal');
  return loops.lines.map((line, index) => item(line, index + 1, pointed, place));
}

function item(line: Line, sequence: number, diagnosis: Claim['diagnosis'], place: string | undefined): Item {
  const { lx, segments, loops } = line;
  lx.take(1, 6);
  const sv = segments.find(({ id }) => id === 'SV1' || id === 'SV2' || id === 'SV3');
  if (sv === undefined)
    throw new SegmentFault(lx, 'SV', 'expected the service of the line, SV1, SV2 or SV3, found none');
  const servicedPeriod = dtp(segments, '472');
  // In the order of the schema, so that the row is made without a copy.
  const before = { sequence, ...(servicedPeriod && { servicedPeriod }) };
  const controlNumber = segments.find((segment) => segment.id === 'REF' && segment.is(1, '6R'))?.take(2, 50);
  const provider = rendering(loops);
  const after = (charge: string, diagnoses?: string[]) => ({
    ...drug(segments),
    ...(controlNumber && { controlNumber }),
    ...(diagnoses && { diagnosis: diagnoses }),
    ...(provider && { provider }),
    charge,
  });
  if (sv.id === 'SV2') {
    const revenue = sv.take(1, 10);
    const service = readService(sv, 2);
    const charge = sv.requiredAmount(3);
    const unit = sv.take(4, 10);
    return {
      ...before,
      ...(revenue && { revenue }),
      ...service,
      ...optional('quantity', sv.decimal(5)),
      ...(unit && { unit }),
      ...after(charge),
    };
  }
  if (sv.id === 'SV3') {
    const tooth = segments.find((segment) => segment.id === 'TOO' && segment.is(1, 'JP'));
    const surfaces = tooth?.components(3).filter(Boolean) ?? [];
    tooth?.taken(3);
    return {
      ...before,
      ...readService(sv, 1),
      ...optional('location', sv.take(3, 10) ?? place),
      ...optional('bodySite', tooth?.take(2, 20) ?? oralCavity(sv)),
      ...(surfaces.length > 0 && { subSite: surfaces }),
      ...optional('quantity', sv.decimal(6)),
      ...after(sv.requiredAmount(2), pointers(sv, 11, diagnosis)),
    };
  }
  const unit = sv.take(3, 10);
  const quantity = sv.decimal(4);
  const location = sv.take(5, 10) ?? place;
  return {
    ...before,
    ...readService(sv, 1),
    ...(location && { location }),
    ...(quantity && { quantity }),
    ...(unit && { unit }),
    ...after(sv.requiredAmount(2), pointers(sv, 7, diagnosis)),
  };
}

function rendering(loops: Loop[]): string | undefined {
  const nm1 = loops.find((loop) => loop.nm1.peek(1) === '82' && loop.nm1.peek(9) !== '')?.nm1;
  nm1?.take(1);
  nm1?.is(2, '1', '2');
  nm1?.is(8, 'XX');
  return nm1?.take(9, 80);
}

export function optional<K extends string, V>(name: K, value: V | undefined): { [P in K]?: V } {
  return value === undefined ? {} : ({ [name]: value } as { [P in K]?: V });
}

function oralCavity(sv: Segment): string | undefined {
  const areas = sv.components(4);
  if (areas.length !== 1) return undefined;
  sv.taken(4);
  return areas[0]?.slice(0, 20);
}

function pointers(sv: Segment, element: number, diagnosis: Claim['diagnosis']): string[] | undefined {
  const codes: string[] = [];
  for (const pointer of sv.components(element)) {
    const pointed = diagnosis[Number(pointer) - 1];
    // A pointer to a diagnosis that is not there stays in what was not taken.
    if (pointed === undefined) return undefined;
    codes.push(pointed.code);
  }
  if (codes.length === 0) return undefined;
  sv.taken(element);
  return codes;
}

function drug(segments: Segment[]) {
  const lin = segments.find((segment) => segment.id === 'LIN' && segment.is(2, 'N4'));
  const code = lin?.take(3, 50);
  if (code === undefined) return {};
  const ctp = segments.find(({ id }) => id === 'CTP');
  const unit = ctp?.components(5)[0];
  if (ctp && ctp.components(5).length === 1) ctp.taken(5);
  return {
    drug: {
      system: codeSystems.ndc,
      code,
      ...optional('quantity', ctp?.decimal(4)),
      ...(unit && { unit: unit.slice(0, 10) }),
    },
  };
}

const responsibilities: Record<string, string> = {
  P: 'primary',
  S: 'secondary',
  T: 'tertiary',
  A: 'fourth',
  B: 'fifth',
  C: 'sixth',
  D: 'seventh',
  E: 'eighth',
  F: 'ninth',
  G: 'tenth',
  H: 'eleventh',
};

/** Other payers (2320, 2330) and what they decided of the claim and, by SVD, of its lines (2430). */
export function otherPayers({ others, lines }: ClaimLoops): NonNullable<Claim['insurance']> {
  return others.map(({ sbr, segments, loops }) => {
    const payer = party(loops, 'PR');
    const insurer = payer && insurerOf(payer.nm1);
    const subscriber = party(loops, 'IL')?.nm1;
    subscriber?.is(2, '1', '2');
    subscriber?.is(8, 'MI', 'II');
    const responsibility = responsibilities[sbr.peek(1)];
    if (responsibility) sbr.take(1);
    const paid = segments.find((segment) => segment.id === 'AMT' && segment.is(1, 'D'))?.amount(2);
    const adjudication = adjustments(segments);
    const item = lines.flatMap(({ decisions }, index) =>
      decisions.flatMap(({ svd, segments: rest }) => {
        if (insurer === undefined || svd.peek(1) !== insurer.id) return [];
        svd.take(1);
        const date = dtp(rest, '573')?.start;
        const decided = adjustments(rest);
        return [
          {
            sequence: index + 1,
            ...optional('paid', svd.amount(2)),
            ...(date && { date }),
            ...(decided.length > 0 && { adjudication: decided }),
          },
        ];
      }),
    );
    return {
      ...(responsibility && { responsibility }),
      ...(insurer && { insurer }),
      ...optional('subscriber', subscriber?.take(9, 80)),
      ...optional('group', sbr.take(3, 50)),
      ...(paid && { paid }),
      ...(adjudication.length > 0 && { adjudication }),
      ...(item.length > 0 && { item }),
    };
  });
}
