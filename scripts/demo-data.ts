/**
 * Writes docker/data/claims.ndjson, the claims a newcomer sees first: `node scripts/demo-data.ts`. Everything in them is
 * invented here; provider numbers are of a range that is never assigned. The same bytes each time.
 */

import { writeFile } from 'node:fs/promises';
import { codeSystems } from '../src/claims/codes.ts';
import { renderClaim } from '../src/claims/render.ts';
import type { Claim, ClaimStatus, Item } from '../src/claims/schema.ts';

const claims = 240;

/** Mulberry32: small, and the same everywhere. */
function randomNumbers(seed: number) {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
const random = randomNumbers(1);
const pick = <T>(values: readonly T[]): T => values[Math.floor(random() * values.length)] as T;
const between = (min: number, max: number) => min + Math.floor(random() * (max - min + 1));
const dollars = (cents: number) => `${Math.floor(cents / 100)}.${String(cents % 100).padStart(2, '0')}`;
const day = (offset: number) => new Date(Date.UTC(2025, 0, 1) + offset * 86_400_000).toISOString().slice(0, 10);

const families = ['Ashdown', 'Birchley', 'Corrigale', 'Dunmarsh', 'Elmstead', 'Fairwick', 'Gorsefield', 'Hollowell'];
const givens = ['Ada', 'Bram', 'Cleo', 'Dario', 'Esme', 'Finn', 'Greta', 'Hugo', 'Iris', 'Jonas'];
const patients = Array.from({ length: 40 }, (_, index) => ({
  system: 'urn:example:member',
  id: `M${String(100001 + index)}`,
  name: { family: pick(families), given: pick(givens) },
  birthDate: day(-between(365 * 2, 365 * 90)),
  gender: pick(['female', 'male'] as const),
}));
const insurers = [
  { id: 'LAKESHORE', name: 'Lakeshore Health Plan' },
  { id: 'NORTHFIELD', name: 'Northfield Mutual' },
  { id: 'STATECARE', name: 'StateCare' },
];
const providers = ['Riverside Clinic', 'Hilltop Family Practice', 'Mercy Valley Hospital', 'Corner Pharmacy'].map(
  (name, index) => {
    const npi = `999900000${index + 1}`;
    return { id: npi, npi, name };
  },
);
const conditions = ['E11.9', 'I10', 'J06.9', 'M54.50', 'E78.5', 'F41.1', 'K21.9', 'N39.0', 'Z00.00'];
const visits: [code: string, cents: number][] = [
  ['99213', 14_500],
  ['99214', 21_000],
  ['99396', 24_000],
  ['85025', 3_200],
  ['80053', 4_100],
  ['93000', 6_800],
];
const drugs: [ndc: string, cents: number][] = [
  ['00000010130', 1_899],
  ['00000020290', 4_250],
  ['00000030307', 12_075],
];
const stays: [drg: string, procedure: string, cents: number][] = [
  ['470', '0SR9019', 3_245_000],
  ['871', '3E03329', 1_874_000],
  ['291', '4A023N7', 1_522_500],
];

function adjudicated(item: Pick<Item, 'sequence'>, cents: number, status: ClaimStatus) {
  const charge = { ...item, charge: dollars(cents) };
  if (status === 'submitted' || status === 'pending') return { item: charge, cents, allowed: 0, paid: 0 };
  const allowed = status === 'denied' ? 0 : Math.round(cents * (0.55 + random() * 0.35));
  const share = Math.round(allowed * pick([0, 0.1, 0.2]));
  const paid = allowed - share;
  return {
    item: {
      ...charge,
      allowed: dollars(allowed),
      paid: dollars(paid),
      adjudication: [{ category: 'coinsurance', amount: dollars(share) }],
    },
    cents,
    allowed,
    paid,
  };
}

function makeClaim(number: number): Claim {
  const kind = pick(['office', 'office', 'office', 'pharmacy', 'outpatient', 'inpatient'] as const);
  const status = pick(['paid', 'paid', 'paid', 'paid', 'denied', 'pending', 'submitted'] as const);
  const first = between(0, 660);
  const start = day(first);
  const end = kind === 'inpatient' ? day(first + between(1, 9)) : start;
  const stay = pick(stays);
  const services =
    kind === 'pharmacy'
      ? [[codeSystems.ndc, ...pick(drugs)] as const]
      : kind === 'inpatient'
        ? []
        : Array.from({ length: between(1, 3) }, () => [codeSystems.hcpcs, ...pick(visits)] as const);
  const items =
    kind === 'inpatient'
      ? [adjudicated({ sequence: 1 }, Math.round(stay[2] * (0.8 + random() * 0.4)), status)]
      : services.map(([system, code, cents], index) => {
          const made = adjudicated({ sequence: index + 1 }, cents, status);
          return {
            ...made,
            item: { ...made.item, servicedPeriod: { start, end }, productOrService: { system, code } },
          };
        });
  const sum = (name: 'cents' | 'allowed' | 'paid') => items.reduce((total, item) => total + item[name], 0);
  const decided = status === 'paid' || status === 'denied';
  const provider = providers[{ office: between(0, 1), outpatient: 2, inpatient: 2, pharmacy: 3 }[kind]];
  return {
    identifier: { system: 'urn:example:claims', value: `DEMO-${String(number).padStart(5, '0')}` },
    type: kind === 'office' ? 'professional' : kind === 'pharmacy' ? 'pharmacy' : 'institutional',
    subType: kind,
    use: 'claim',
    status,
    created: day(first + between(10, 30)),
    patient: pick(patients),
    insurer: pick(insurers),
    ...(provider && { provider }),
    billablePeriod: { start, end },
    diagnosis: [...new Set([pick(conditions), pick(conditions)])].map((code, index) => ({
      sequence: index + 1,
      ...(index === 0 && { type: 'principal' }),
      system: codeSystems.diagnosis10,
      code,
    })),
    procedure:
      kind === 'inpatient' ? [{ sequence: 1, system: codeSystems.procedure10, code: stay[1], date: start }] : [],
    ...(kind === 'inpatient' && { supportingInfo: [{ category: 'ms-drg', system: codeSystems.drg, code: stay[0] }] }),
    item: items.map(({ item }) => item),
    total: {
      charge: dollars(sum('cents')),
      ...(decided && {
        allowed: dollars(sum('allowed')),
        paid: dollars(sum('paid')),
        patientResponsibility: dollars(sum('allowed') - sum('paid')),
      }),
    },
  };
}

const documents = Array.from({ length: claims }, (_, index) => renderClaim(makeClaim(index + 1)).document);
await writeFile(new URL('../docker/data/claims.ndjson', import.meta.url), `${documents.join('\n')}\n`);
