/** X12 interchanges with only the segments that matter; counts and control numbers are right. */

interface Separators {
  element: string;
  component: string;
  terminator: string;
}
export const usual: Separators = { element: '*', component: ':', terminator: '~' };

/** An interchange of one group, whose transactions are written with `*`, `:` and without a terminator. */
export function interchange(guide: string, transactions: string[][], separators = usual): string {
  const kind = guide.includes('X221') ? '835' : /X21[24]/.test(guide) ? '277' : '837';
  const functional = { 835: 'HP', 277: 'HN', 837: 'HC' }[kind as '837'];
  const sets = transactions.flatMap((segments, index) => [
    `ST*${kind}*${index + 1}*${guide}`,
    ...segments,
    `SE*${segments.length + 2}*${index + 1}`,
  ]);
  const { element, component, terminator } = separators;
  const isa =
    'ISA*00*          *00*          *ZZ*SENDER         *ZZ*RECEIVER       *240101*1200*^*00501*000000001*0*P*:';
  const gs = `GS*${functional}*S*R*20240101*1200*1*X*${guide}`;
  return [isa, gs, ...sets, `GE*${transactions.length}*1`, 'IEA*1*000000001']
    .map((segment) => segment.replaceAll('*', element).replaceAll(':', component) + terminator)
    .join('');
}

export const professional = '005010X222A1';
export const institutional = '005010X223A3';
export const dental = '005010X224A2';

export const header837 = [
  'BHT*0019*00*B1*20240110*1200*CH',
  'NM1*41*2*SUBMITTER*****46*1',
  'NM1*40*2*RECEIVER*****46*2',
];
export const billing = [
  'HL*1**20*1',
  'NM1*85*2*CLINIC*****XX*1234567893',
  'N3*1 MAIN ST',
  'N4*TOWN*NY*10001',
  'REF*EI*12-3456789',
];
export const subscriber = [
  'HL*2*1*22*0',
  'SBR*P*18*GROUP1******CI',
  'NM1*IL*1*DOE*JANE****MI*M1',
  'DMG*D8*19800102*F',
  'NM1*PR*2*PAYER*****PI*PAY1',
];
export const line = ['LX*1', 'SV1*HC:99213:25*100*UN*1***1', 'DTP*472*D8*20240105'];

/** A professional claim of one line. */
export const claim = (number = 'C1', charge = '100', frequency = '1') => [
  `CLM*${number}*${charge}***11:B:${frequency}*Y*A*Y*Y`,
  'HI*ABK:E119*ABF:I10',
  ...line,
];

/** An 837P of these claims, each a list of segments, under one subscriber. */
export const an837 = (...claims: string[][]) =>
  interchange(professional, [[...header837, ...billing, ...subscriber, ...claims.flat()]]);

/** An 835 of these claims, each a list of segments. */
export const an835 = (payment: string, ...rest: string[][]) =>
  interchange('005010X221A1', [
    [
      `BPR*I*${payment}*C*CHK************20240120`,
      'TRN*1*CHECK1*1999999999',
      'DTM*405*20240121',
      'N1*PR*PAYER*XV*PAY1',
      'N1*PE*CLINIC*XX*1234567893',
      'LX*1',
      ...rest.flat(),
    ],
  ]);

export const paidClaim = (number = 'C1') => [
  `CLP*${number}*1*100*70*20*12*PCN1*11*1`,
  'NM1*QC*1*DOE*JANE****MI*M1',
  'SVC*HC:99213:25*100*70',
  'DTM*472*20240105',
  'CAS*CO*45*10',
  'CAS*PR*3*20',
];
