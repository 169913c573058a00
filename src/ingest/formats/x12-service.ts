import { codeSystems } from '../../claims/codes.ts';
import type { Item } from '../../claims/schema.ts';
import { type Segment, SegmentFault } from './x12-segment.ts';

/** Product or service qualifiers (code list 235). */
const systems = new Map<string, string>([
  ['HC', codeSystems.hcpcs],
  ['AD', 'CDT'],
  ['N4', codeSystems.ndc],
  ['HP', 'HIPPS'],
  ['ER', 'ERX'],
  ['IV', 'HIEC'],
  ['WK', 'ABC'],
]);

/** The composite medical procedure identifier (C003): qualifier, code, up to four modifiers; or a revenue code (NU). */
export function readService(
  segment: Segment,
  element: number,
): Pick<Item, 'productOrService' | 'modifier' | 'revenue'> {
  const components = segment.components(element);
  const [qualifier = '', code = ''] = components;
  if (qualifier === '') return {};
  if (code === '')
    throw new SegmentFault(segment, element, 'expected a qualifier and a service code, found one of them');
  if (code.length > 48) throw new SegmentFault(segment, element, 'expected a service code of at most 48 characters');
  if (qualifier === 'NU') {
    segment.taken(element);
    return { revenue: code.slice(0, 10) };
  }
  const modifier = components.slice(2, 6).filter(Boolean);
  if (modifier.some((text) => text.length > 10))
    throw new SegmentFault(segment, element, 'expected modifiers of two characters');
  // A description stays in what was not taken.
  if (components.slice(6).every((text) => text === '')) segment.taken(element);
  return {
    productOrService: { system: systems.get(qualifier) ?? qualifier.slice(0, 100), code },
    ...(modifier.length > 0 && { modifier }),
  };
}
