import fc from 'fast-check';
import { type Claim, claimStatuses, claimTypes, genders } from '../../src/claims/schema.ts';
import type { GeneratedClaim } from '../../src/generate/claim.ts';

/** Whatever a text can be: quotes, commas, line ends, formulas, letters of every plane. */
const text = (maxLength: number) =>
  fc
    .oneof(
      fc.string({ minLength: 1, maxLength: Math.min(maxLength, 30), unit: 'binary' }),
      fc.constantFrom(
        '"',
        'a,b',
        'a;b',
        '=1+1',
        "'",
        '\\',
        '\t',
        'x\ny',
        'x\r\ny',
        '{}',
        'null',
        'Zoë 𝒳',
        '0',
        '-1',
        '|',
      ),
    )
    .map((value) => value.replaceAll('\0', '0').slice(0, maxLength))
    .filter((value) => value.isWellFormed() && value.trim() === value && value !== '');
const date = fc.integer({ min: 0, max: 40_000 }).map((day) => new Date(day * 86_400_000).toISOString().slice(0, 10));
const period = fc.tuple(date, date).map((days) => {
  const [start, end] = days.toSorted() as [string, string];
  return { start, end };
});
export const amount = fc.bigInt({ min: -99_999_999_999_999n, max: 99_999_999_999_999n }).map((cents) => {
  const digits = (cents < 0n ? -cents : cents).toString().padStart(3, '0');
  return `${cents < 0n ? '-' : ''}${digits.slice(0, -2)}.${digits.slice(-2)}`;
});
const coded = { system: text(100), code: text(50) };
export const optional = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: undefined });
const numbered = <T extends object>(value: fc.Arbitrary<T>) =>
  fc.array(value, { maxLength: 3 }).map((list) => list.map((one, index) => ({ sequence: index + 1, ...one })));

/** Properties that are undefined are left out, as they are in every claim. */
const clean = <T>(value: T): T => JSON.parse(JSON.stringify(value)) as T;

export const arbitraryClaim: fc.Arbitrary<Claim> = fc
  .record({
    identifier: fc.record({ system: text(200), value: text(100) }),
    type: fc.constantFrom(...claimTypes),
    subType: optional(text(50)),
    use: fc.constantFrom('claim' as const, 'preauthorization' as const),
    status: fc.constantFrom(...claimStatuses),
    created: optional(date),
    patient: fc.record({
      system: optional(text(200)),
      id: text(100),
      name: optional(fc.record({ family: text(200), given: optional(text(200)) })),
      birthDate: optional(date),
      gender: optional(fc.constantFrom(...genders)),
    }),
    insurer: optional(fc.record({ id: text(100), name: optional(text(200)) })),
    provider: optional(fc.record({ id: text(100), name: optional(text(200)) })),
    billablePeriod: period,
    diagnosis: numbered(fc.record({ type: optional(text(50)), ...coded })),
    procedure: numbered(fc.record({ ...coded, date: optional(date) })),
    item: numbered(
      fc.record({
        servicedPeriod: optional(period),
        productOrService: optional(fc.record(coded)),
        modifier: optional(fc.array(text(10), { minLength: 1, maxLength: 4 })),
        charge: optional(amount),
        paid: optional(amount),
      }),
    ),
    total: fc.record({ charge: optional(amount), allowed: optional(amount), paid: optional(amount) }),
    source: optional(
      fc.dictionary(text(20), fc.oneof(text(50), fc.integer(), fc.boolean(), fc.array(text(20), { maxLength: 3 })), {
        minKeys: 1,
        maxKeys: 3,
        noNullPrototype: true,
      }),
    ),
  })
  .map((claim) => clean(claim) as Claim);

const cents = fc.integer({ min: 0, max: 99_999_999 });

/** What `claims generate` makes claims of, with more than it makes: every split of a charge, more lines. */
export const arbitraryGenerated: fc.Arbitrary<GeneratedClaim> = fc
  .record({
    index: fc.integer({ min: 0, max: 1_000_000 }),
    npi: fc.integer({ min: 1_000_000_000, max: 1_999_999_999 }).map(String),
    taxId: fc.integer({ min: 100_000_000, max: 999_999_999 }).map(String),
    name: fc.constantFrom('CLINIC', "O'BRIEN & SONS", 'A/B CENTER, INC.', 'X'),
    patient: fc.record({
      id: fc.integer({ min: 1 }).map((number) => `M${number}`),
      family: fc.constantFrom('Doe', "D'Arcy", 'Smith-Jones', 'De La Cruz'),
      given: fc.constantFrom('Ada', 'Jo Ann', 'X'),
      birthDate: date,
      gender: fc.constantFrom('female' as const, 'male' as const),
    }),
    date,
    diagnoses: fc.uniqueArray(fc.constantFrom('E119', 'I10', 'Z0000', 'M545', 'J069'), { minLength: 1, maxLength: 4 }),
    lines: fc.array(
      fc.record({
        code: fc.constantFrom('99213', '80053', 'G0439', '36415'),
        paid: cents,
        contractual: cents,
        copay: cents,
      }),
      { minLength: 1, maxLength: 8 },
    ),
  })
  .map(({ npi, taxId, name, lines, ...claim }) => ({
    ...claim,
    number: `N${claim.index}`,
    payerNumber: `P${claim.index}`,
    clinic: { npi, taxId, name },
    payer: { id: '90001', name: 'EXAMPLE HEALTH PLAN' },
    lines: lines.map((line) => ({ ...line, charge: line.paid + line.contractual + line.copay })),
    denied: false,
  }));
