import { addAmounts } from '../../claims/amount.ts';
import type { Claim } from '../../claims/schema.ts';
import { type Segment, SegmentFault } from './x12-segment.ts';

type Adjudication = NonNullable<Claim['adjudication']>;

export const carc = 'CARC';

/** The CAS segments: a group, then up to six times a reason, an amount and a quantity. */
export function adjustments(segments: Segment[]): Adjudication {
  const list: Adjudication = [];
  for (const segment of segments) {
    if (segment.id !== 'CAS') continue;
    const group = segment.required(1, 2);
    for (let element = 2; element < segment.length; element += 3) {
      const code = segment.take(element, 5);
      const amount = segment.amount(element + 1);
      const quantity = segment.decimal(element + 2);
      if (code === undefined && amount === undefined) continue;
      if (code === undefined)
        throw new SegmentFault(segment, element, 'expected an adjustment reason code, found none');
      if (amount === undefined) throw new SegmentFault(segment, element + 1, 'expected an amount, found none');
      list.push({
        category: 'adjustment',
        group,
        reason: { system: carc, code },
        amount,
        ...(quantity && { quantity }),
      });
    }
  }
  return list;
}

/** In sum, of one group where it is named. */
export const adjusted = (list: Adjudication, group?: string) =>
  addAmounts(list.filter((entry) => group === undefined || entry.group === group).map(({ amount }) => amount));
