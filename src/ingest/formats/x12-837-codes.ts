import { parseAmount } from '../../claims/amount.ts';
import { codeSystems } from '../../claims/codes.ts';
import type { Claim, ClaimType } from '../../claims/schema.ts';
import type { ClaimLoops } from './x12-837.ts';
import { daysOf, type Segment, SegmentFault } from './x12-segment.ts';

type SupportingInfo = NonNullable<Claim['supportingInfo']>;

/** HI qualifiers (code list 1270) of diagnoses by ICD-9; those by ICD-10 have an A before them. */
const diagnosisTypes: [qualifier: string, type: string | undefined][] = [
  ['BK', 'principal'],
  ['BF', undefined],
  ['BJ', 'admitting'],
  ['PR', 'patientreasonforvisit'],
  ['BN', 'externalcauseofinjury'],
];
const diagnosisQualifiers = new Map<string, { type: string | undefined; system: string }>(
  diagnosisTypes.flatMap(([qualifier, type]) => [
    [qualifier, { type, system: codeSystems.diagnosis9 }],
    [`A${qualifier}`, { type, system: codeSystems.diagnosis10 }],
  ]),
);
const procedureSystems = new Map([
  ['BBR', codeSystems.procedure10],
  ['BBQ', codeSystems.procedure10],
  ['BR', codeSystems.procedure9],
  ['BQ', codeSystems.procedure9],
  ['CAH', codeSystems.hcpcs],
]);
const infoCategories = new Map([
  ['BH', 'occurrence'],
  ['BI', 'occurrence-span'],
  ['BE', 'value'],
  ['BG', 'condition'],
  ['BP', 'anesthesia-procedure'],
  ['BO', 'anesthesia-procedure'],
  ['TC', 'treatment'],
]);

/** What the HI segments say (2300): diagnoses, procedures, DRG, occurrences, conditions, values. */
export function healthInformation(
  { segments, clm }: ClaimLoops,
  type: ClaimType,
): Pick<Claim, 'diagnosis' | 'procedure'> & { supportingInfo: SupportingInfo } {
  const diagnosis: Claim['diagnosis'] = [];
  const procedure: Claim['procedure'] = [];
  const supportingInfo: SupportingInfo = [];
  let any = false;
  for (const segment of segments) {
    if (segment.id !== 'HI') continue;
    any = true;
    for (let element = 1; element < segment.length; element += 1) {
      const components = segment.components(element);
      const [qualifier = '', code = '', , value = '', amount = ''] = components;
      // A qualifier without a code says nothing; it stays with what was not taken.
      if (code === '') continue;
      if (code.length > 30) throw new SegmentFault(segment, element, 'expected a code of at most 30 characters');
      const kind = diagnosisQualifiers.get(qualifier);
      const system = procedureSystems.get(qualifier);
      const category = infoCategories.get(qualifier);
      if (kind) {
        const { type, system } = kind;
        const onAdmission = components[8]?.slice(0, 10);
        diagnosis.push({
          sequence: diagnosis.length + 1,
          ...(type && { type }),
          system,
          code,
          ...(onAdmission && { onAdmission }),
        });
      } else if (system) {
        const date = value ? days(segment, element, value).start : undefined;
        procedure.push({ sequence: procedure.length + 1, system, code, ...(date && { date }) });
      } else if (qualifier === 'DR') supportingInfo.push({ category: 'ms-drg', system: codeSystems.drg, code });
      else if (category) supportingInfo.push({ category, code, ...detail(segment, element, value, amount) });
      else continue;
      segment.taken(element);
    }
  }
  if (!any && type !== 'oral') {
    throw new SegmentFault(clm, '2300 HI', 'expected an HI segment with the diagnoses of the claim, found none');
  }
  return { diagnosis, procedure, supportingInfo };
}

function detail(segment: Segment, element: number, value: string, amount: string) {
  return {
    ...(value && { period: days(segment, element, value) }),
    ...(amount && { value: parseAmount(amount) ?? amount.slice(0, 30) }),
  };
}

function days(segment: Segment, element: number, text: string) {
  const [start, end] = daysOf(text);
  if (start === undefined || end === undefined)
    throw new SegmentFault(segment, element, 'expected days of the calendar as CCYYMMDD or CCYYMMDD-CCYYMMDD');
  return { start, end };
}
