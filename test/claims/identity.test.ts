import { describe, expect, it } from 'vitest';
import { claimId } from '../../src/claims/identity.ts';

describe('the id of a claim', () => {
  // Computed apart from this code, from SHA-256 and RFC 9562, 5.8. A change orphans every claim of every installation.
  it.each([
    ['urn:test', 'A1', 'e187eba1-66b7-8966-8e4c-3458eb28b27e'],
    ['https://bluebutton.cms.gov/resources/variables/clm_id', '-100', '9f39868a-7eba-8fd3-b1c6-4d2b31cf8d15'],
    ['syst\u00e8me', '\u00e91', 'ed7e2c8b-4cb7-89e0-b5b2-0bb9bc3c36d7'],
  ])('of %s and %s is %s, today and always', (system, value, id) => {
    expect(claimId({ system, value })).toBe(id);
  });

  it('is a UUID of version 8 and of the variant of RFC 9562', () => {
    const variants = new Set<string>();
    for (let number = 0; number < 500; number += 1) {
      const id = claimId({ system: 'urn:test', value: String(number) });
      expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
      variants.add(id.charAt(19));
    }
    expect([...variants].sort()).toEqual(['8', '9', 'a', 'b']);
  });

  it('is another for each claim', () => {
    const ids = Array.from({ length: 1000 }, (_, number) => claimId({ system: 'urn:test', value: String(number) }));
    expect(new Set(ids).size).toBe(1000);
  });

  it.each<[string, [string, string], [string, string]]>([
    ['where the text moves from the number to the system', ['a', 'bc'], ['ab', 'c']],
    ['where digits move that look like the length', ['1', '1:1'], ['11', ':1']],
    ['where the system looks like a length and a system', ['1:a', 'b'], ['a', 'b']],
    ['where only the case differs', ['urn:test', 'a1'], ['urn:test', 'A1']],
    ['where system and number are exchanged', ['a', 'b'], ['b', 'a']],
  ])('differs %s', (_where, [system, value], [otherSystem, otherValue]) => {
    expect(claimId({ system, value })).not.toBe(claimId({ system: otherSystem, value: otherValue }));
  });
});
