import { Random } from './random.ts';

/** A synthetic claim, before it is written in a format. Amounts in cents; what was charged is paid, adjusted or shared. */
export interface GeneratedClaim {
  index: number;
  number: string;
  /** The payer's number of it. */
  payerNumber: string;
  clinic: { npi: string; taxId: string; name: string };
  payer: { id: string; name: string };
  patient: { id: string; family: string; given: string; birthDate: string; gender: 'female' | 'male' };
  date: string;
  diagnoses: string[];
  lines: GeneratedLine[];
  denied: boolean;
}

export interface GeneratedLine {
  code: string;
  charge: number;
  paid: number;
  /** CO-45, what the contract takes off. */
  contractual: number;
  /** PR-3, the copayment. */
  copay: number;
}

const diagnoses = [
  'E119',
  'I10',
  'J069',
  'M545',
  'E785',
  'K219',
  'F411',
  'N390',
  'R05',
  'Z0000',
  'J449',
  'I2510',
  'G4733',
  'L309',
];
const services = [
  ['99213', 9200],
  ['99214', 13100],
  ['99203', 11300],
  ['80053', 1450],
  ['85025', 1080],
  ['83036', 1340],
  ['93000', 1750],
  ['71046', 3300],
  ['90471', 2100],
  ['G0439', 13500],
  ['97110', 3050],
  ['36415', 850],
] as const;
const families = [
  'Abel',
  'Brook',
  'Castle',
  'Dale',
  'Elm',
  'Field',
  'Grove',
  'Hill',
  'Isle',
  'Jordan',
  'Knoll',
  'Lake',
  'Marsh',
  'Noble',
];
const givens = ['Ada', 'Ben', 'Cleo', 'Dan', 'Eva', 'Finn', 'Gia', 'Hugo', 'Ida', 'Jon', 'Kim', 'Leo', 'Mia', 'Ned'];
const payers = [
  { id: '90001', name: 'EXAMPLE HEALTH PLAN' },
  { id: '90002', name: 'SAMPLE MUTUAL' },
  { id: '90003', name: 'INVENTED CARE' },
];

const patients = 50_000;
const clinics = 2000;

export function generateClaim(seed: number, index: number): GeneratedClaim {
  const random = new Random(seed, index);
  const denied = random.below(100) < 6;
  const lines = Array.from({ length: random.between(1, 5) }, () => {
    const [code, price] = random.of(services);
    const charge = Math.round((price * random.between(100, 180)) / 100);
    const allowed = denied ? 0 : Math.round((charge * random.between(50, 90)) / 100);
    const copay = Math.round((allowed * random.of([0, 0, 10, 20])) / 100);
    return { code, charge, contractual: charge - allowed, copay, paid: allowed - copay };
  });
  return {
    index,
    number: `G${seed}-${index + 1}`,
    payerNumber: `P${seed}${String(index + 1).padStart(10, '0')}`,
    clinic: clinic(random.below(clinics)),
    payer: random.of(payers),
    patient: patient(seed, random.below(patients)),
    date: day(random.below(3 * 365)),
    diagnoses: [...new Set(Array.from({ length: random.between(1, 4) }, () => random.of(diagnoses)))],
    lines,
    denied,
  };
}

function clinic(number: number): GeneratedClaim['clinic'] {
  return { npi: npi(100_000_000 + number * 37), taxId: String(900_000_000 + number), name: `CLINIC ${number + 1}` };
}

/** With the check digit of the Luhn formula over 80840 and the nine digits (45 CFR 162.406). */
function npi(nine: number): string {
  let sum = 24;
  for (const [place, digit] of [...String(nine)].entries()) {
    const doubled = place % 2 === 0 ? Number(digit) * 2 : Number(digit);
    sum += doubled > 9 ? doubled - 9 : doubled;
  }
  return `${nine}${(10 - (sum % 10)) % 10}`;
}

function patient(seed: number, number: number): GeneratedClaim['patient'] {
  const random = new Random(seed ^ 0x5bd1e995, number);
  return {
    id: `M${String(number + 1).padStart(8, '0')}`,
    family: random.of(families),
    given: random.of(givens),
    birthDate: new Date(Date.UTC(1930 + random.below(90), random.below(12), 1 + random.below(28)))
      .toISOString()
      .slice(0, 10),
    gender: random.below(2) === 0 ? 'female' : 'male',
  };
}

const day = (number: number) => new Date(Date.UTC(2023, 0, 1) + number * 86_400_000).toISOString().slice(0, 10);

/** Cents as dollars with two decimals. */
export function dollars(cents: number): string {
  const digits = String(cents).padStart(3, '0');
  return `${digits.slice(0, -2)}.${digits.slice(-2)}`;
}

export const total = (claim: GeneratedClaim, of: Exclude<keyof GeneratedLine, 'code'>) =>
  claim.lines.reduce((sum, line) => sum + line[of], 0);

export const allowed = (line: GeneratedLine) => line.paid + line.copay;
