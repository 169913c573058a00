import { dollars, type GeneratedClaim, total } from './claim.ts';

/** The guides ask for no more claims in a transaction. */
const claimsPerTransaction = 5000;

const compact = (date: string) => date.replaceAll('-', '');

type Body = (claims: GeneratedClaim[]) => string[];

/** An interchange of one group, a transaction for each 5,000 claims. */
export function* writeX12(claims: Iterable<GeneratedClaim>, kind: '837p' | '837i' | '835'): Generator<string> {
  const [code, functional, guide, body] = kinds[kind];
  yield 'ISA*00*          *00*          *ZZ*SYNTHETIC      *ZZ*CLAIMSAPI      *240101*1200*^*00501*000000001*0*T*:~\n';
  yield `GS*${functional}*SYNTHETIC*CLAIMSAPI*20240101*1200*1*X*${guide}~\n`;
  let transactions = 0;
  const transaction = (some: GeneratedClaim[]) => {
    transactions += 1;
    const control = String(transactions).padStart(4, '0');
    const segments = [`ST*${code}*${control}${code === '837' ? `*${guide}` : ''}`, ...body(some)];
    return `${segments.join('~\n')}~\nSE*${segments.length + 1}*${control}~\n`;
  };
  let some: GeneratedClaim[] = [];
  for (const claim of claims) {
    some.push(claim);
    if (some.length < claimsPerTransaction) continue;
    yield* parts(some, kind).map(transaction);
    some = [];
  }
  yield* parts(some, kind).map(transaction);
  yield `GE*${transactions}*1~\nIEA*1*000000001~\n`;
}

/** A remittance is of one payer to one payee. */
function parts(claims: GeneratedClaim[], kind: string): GeneratedClaim[][] {
  if (claims.length === 0) return [];
  if (kind !== '835') return [claims];
  return [...Map.groupBy(claims, ({ payer, clinic }) => `${payer.id} ${clinic.npi}`).values()];
}

const submitted =
  (isInstitutional: boolean): Body =>
  (claims) => {
    const segments = [
      'BHT*0019*00*SYNTHETIC*20260101*1200*CH',
      'NM1*41*2*SYNTHETIC*****46*1',
      'PER*IC*NOBODY*TE*0000000000',
      'NM1*40*2*CLAIMS API*****46*2',
    ];
    let level = 0;
    for (const claim of claims) {
      const { clinic, patient, payer, date } = claim;
      const billing = level + 1;
      level += 2;
      segments.push(
        `HL*${billing}**20*1`,
        `NM1*85*2*${clinic.name}*****XX*${clinic.npi}`,
        'N3*1 INVENTED STREET',
        'N4*SPRINGFIELD*NY*100010001',
        `REF*EI*${clinic.taxId}`,
        `HL*${level}*${billing}*22*0`,
        'SBR*P*18*******CI',
        `NM1*IL*1*${patient.family.toUpperCase()}*${patient.given.toUpperCase()}****MI*${patient.id}`,
        'N3*2 INVENTED STREET',
        'N4*SPRINGFIELD*NY*100010001',
        `DMG*D8*${compact(patient.birthDate)}*${patient.gender === 'female' ? 'F' : 'M'}`,
        `NM1*PR*2*${payer.name}*****PI*${payer.id}`,
        `CLM*${claim.number}*${dollars(total(claim, 'charge'))}***${isInstitutional ? '13:A:1' : '11:B:1'}*Y*A*Y*Y`,
      );
      if (isInstitutional) segments.push(`DTP*434*RD8*${compact(date)}-${compact(date)}`, 'CL1*3*1*01');
      const [principal, ...others] = claim.diagnoses;
      segments.push(`HI*ABK:${principal}`);
      // The guide of institutional claims has the other diagnoses in a segment of their own.
      if (others.length > 0) segments.push(`HI*${others.map((code) => `ABF:${code}`).join('*')}`);
      for (const [index, line] of claim.lines.entries()) {
        segments.push(
          `LX*${index + 1}`,
          isInstitutional
            ? `SV2*0510*HC:${line.code}*${dollars(line.charge)}*UN*1`
            : `SV1*HC:${line.code}*${dollars(line.charge)}*UN*1***1`,
          `DTP*472*D8*${compact(date)}`,
          `REF*6R*${index + 1}`,
        );
      }
    }
    return segments;
  };

const remitted: Body = (claims) => {
  const [first] = claims;
  if (first === undefined) return [];
  const paid = claims.reduce((sum, claim) => sum + total(claim, 'paid'), 0);
  const segments = [
    `BPR*I*${dollars(paid)}*C*CHK************20260115`,
    `TRN*1*SYN${first.index + 1}*1999999999`,
    'DTM*405*20260115',
    `N1*PR*${first.payer.name}*XV*${first.payer.id}`,
    `N1*PE*${first.clinic.name}*XX*${first.clinic.npi}`,
    'LX*1',
  ];
  for (const claim of claims) {
    const { patient, date } = claim;
    segments.push(
      `CLP*${claim.number}*${claim.denied ? 4 : 1}*${dollars(total(claim, 'charge'))}*${dollars(total(claim, 'paid'))}*${dollars(total(claim, 'copay'))}*12*${claim.payerNumber}*11*1`,
      `NM1*QC*1*${patient.family.toUpperCase()}*${patient.given.toUpperCase()}****MI*${patient.id}`,
    );
    for (const [index, line] of claim.lines.entries()) {
      segments.push(
        `SVC*HC:${line.code}*${dollars(line.charge)}*${dollars(line.paid)}**1`,
        `DTM*472*${compact(date)}`,
        ...(line.contractual > 0 ? [`CAS*CO*${claim.denied ? '50' : '45'}*${dollars(line.contractual)}`] : []),
        ...(line.copay > 0 ? [`CAS*PR*3*${dollars(line.copay)}`] : []),
        `REF*6R*${index + 1}`,
      );
    }
  }
  return segments;
};

const kinds: Record<'837p' | '837i' | '835', [code: string, functional: string, guide: string, body: Body]> = {
  '837p': ['837', 'HC', '005010X222A1', submitted(false)],
  '837i': ['837', 'HC', '005010X223A3', submitted(true)],
  835: ['835', 'HP', '005010X221A1', remitted],
};
