import Type, { type Static, type TProperties } from 'typebox';

/**
 * The canonical claim. Names follow FHIR R4 ExplanationOfBenefit and X12 005010; order here is the order of the
 * rendered document. Amounts are US dollars as strings with two decimals, dates are `yyyy-mm-dd`.
 */

const closed = <P extends TProperties>(properties: P, options = {}) =>
  Type.Object(properties, { additionalProperties: false, ...options });

const text = (maxLength: number, options = {}) => Type.String({ minLength: 1, maxLength, ...options });
const DateOnly = Type.String({ pattern: '^[0-9]{4}-[0-9]{2}-[0-9]{2}$', description: 'yyyy-mm-dd' });
const Amount = Type.String({
  pattern: '^-?(0|[1-9][0-9]{0,11})\\.[0-9]{2}$',
  description: 'US dollars, exact, two decimals',
});
const Sequence = Type.Integer({ minimum: 1, maximum: 999999 });

/** A code and the system it is of, a short name such as ICD-10-CM (claims/codes.ts). */
const coded = { system: text(100), code: text(50) };
const Period = closed({ start: DateOnly, end: DateOnly });

const Adjudication = closed({
  category: text(100, {
    description: 'such as deductible, coinsurance, noncovered (CARIN adjudication codes); adjustment: an X12 CAS entry',
  }),
  group: Type.Optional(text(2, { description: 'X12 claim adjustment group: CO, PR, OA, PI' })),
  reason: Type.Optional(closed(coded, { description: 'such as a claim adjustment reason code (CARC)' })),
  amount: Amount,
  quantity: Type.Optional(text(30, { description: 'units, decimal' })),
});

const Remark = Type.Array(closed(coded), { description: 'such as remittance advice remark codes (RARC)' });

export const claimTypes = ['institutional', 'professional', 'oral', 'pharmacy', 'vision'] as const;
export const claimStatuses = [
  'submitted',
  'accepted',
  'rejected',
  'pending',
  'paid',
  'denied',
  'reversed',
  'replaced',
  'cancelled',
] as const;
export const genders = ['female', 'male', 'other', 'unknown'] as const;

const ClaimFields = {
  identifier: closed(
    { system: text(200), value: text(100) },
    { description: "The claim's own number and the system that gave it; together they make the id." },
  ),
  otherIdentifier: Type.Optional(
    Type.Array(closed({ type: text(50), system: Type.Optional(text(200)), value: text(100) }), {
      description: 'Further numbers of the claim: payer-claim-control-number, medical-record-number, claim-group, …',
    }),
  ),
  type: Type.Enum([...claimTypes], { description: 'FHIR claim type' }),
  subType: Type.Optional(text(50, { description: 'What the source calls it: inpatient, snf, carrier, pde, …' })),
  use: Type.Enum(['claim', 'preauthorization', 'predetermination']),
  status: Type.Enum([...claimStatuses], {
    description:
      'Where the claim stands. `paid`: adjudicated and not denied; the amount may be 0.00. `reversed`: its payment was ' +
      'taken back. `replaced`: another claim stands in its place. `cancelled`: voided.',
  }),
  statusCode: Type.Optional(
    Type.Array(
      closed({
        category: text(10, { description: 'X12 claim status category code, such as A2' }),
        status: text(10, { description: 'X12 claim status code' }),
        entity: Type.Optional(text(10, { description: 'X12 entity identifier code' })),
        date: Type.Optional(DateOnly),
      }),
      { description: 'What the last acknowledgement said (X12 277 STC)' },
    ),
  ),
  created: Type.Optional(DateOnly),
  patient: closed({
    system: Type.Optional(text(200)),
    id: text(100),
    name: Type.Optional(closed({ family: Type.Optional(text(200)), given: Type.Optional(text(200)) })),
    birthDate: Type.Optional(DateOnly),
    gender: Type.Optional(Type.Enum([...genders])),
  }),
  subscriber: Type.Optional(
    closed(
      {
        id: text(100),
        name: Type.Optional(closed({ family: Type.Optional(text(200)), given: Type.Optional(text(200)) })),
        relationship: Type.Optional(text(20, { description: "X12 code of the patient's relationship: 19 a child" })),
      },
      { description: 'Whose insurance it is, where that is not the patient' },
    ),
  ),
  insurer: Type.Optional(closed({ id: text(100), name: Type.Optional(text(200)) })),
  related: Type.Optional(
    Type.Array(
      closed({
        relationship: text(50, { description: 'replaces, replacedBy, voidedBy, prior, …' }),
        system: Type.Optional(text(200)),
        value: text(100, { description: "The other claim's number" }),
      }),
      { description: 'Other claims that this one stands for, or that stand for it' },
    ),
  ),
  provider: Type.Optional(
    closed(
      { id: text(100), npi: Type.Optional(text(10)), name: Type.Optional(text(200)) },
      { description: 'The billing provider; id is the NPI where there is one.' },
    ),
  ),
  careTeam: Type.Optional(
    Type.Array(closed({ role: text(50), id: text(100) }), {
      description: 'Others who took part: attending, operating, referring, prescribing, …',
    }),
  ),
  billablePeriod: closed({ start: DateOnly, end: DateOnly }, { description: 'First and last day of service' }),
  diagnosis: Type.Array(
    closed({
      sequence: Sequence,
      type: Type.Optional(text(50, { description: 'principal, admitting, external-cause, …' })),
      ...coded,
      onAdmission: Type.Optional(text(10)),
    }),
  ),
  procedure: Type.Array(closed({ sequence: Sequence, ...coded, date: Type.Optional(DateOnly) })),
  supportingInfo: Type.Optional(
    Type.Array(
      closed({
        category: text(100, { description: 'such as ms-drg, discharge-status, admission-type' }),
        system: Type.Optional(text(100)),
        code: Type.Optional(text(50)),
        period: Type.Optional(Period),
        value: Type.Optional(text(200)),
      }),
    ),
  ),
  item: Type.Array(
    closed({
      sequence: Sequence,
      servicedPeriod: Type.Optional(Period),
      revenue: Type.Optional(text(10, { description: 'NUBC revenue code' })),
      productOrService: Type.Optional(closed(coded)),
      modifier: Type.Optional(Type.Array(text(10))),
      location: Type.Optional(text(10, { description: 'CMS place of service code' })),
      bodySite: Type.Optional(text(20, { description: 'tooth or area of the oral cavity' })),
      subSite: Type.Optional(Type.Array(text(10), { description: 'tooth surfaces' })),
      quantity: Type.Optional(text(30, { description: 'decimal, in the unit' })),
      unit: Type.Optional(text(10, { description: 'UN (units, the default), MJ (minutes), …' })),
      drug: Type.Optional(
        closed(
          { ...coded, quantity: Type.Optional(text(30)), unit: Type.Optional(text(10)) },
          { description: 'The drug that a procedure code stands for' },
        ),
      ),
      controlNumber: Type.Optional(text(50, { description: "The provider's number of the line" })),
      reported: Type.Optional(
        Type.Boolean({ description: 'Not of the submission: a remittance or a ledger names the line' }),
      ),
      diagnosis: Type.Optional(Type.Array(text(50))),
      provider: Type.Optional(text(100, { description: 'The rendering provider' })),
      charge: Type.Optional(Amount),
      allowed: Type.Optional(Amount),
      paid: Type.Optional(Amount),
      adjudication: Type.Optional(Type.Array(Adjudication)),
      remark: Type.Optional(Remark),
    }),
  ),
  adjudication: Type.Optional(Type.Array(Adjudication)),
  remark: Type.Optional(Remark),
  insurance: Type.Optional(
    Type.Array(
      closed({
        responsibility: Type.Optional(text(20, { description: 'primary, secondary, tertiary, …' })),
        insurer: Type.Optional(closed({ id: Type.Optional(text(100)), name: Type.Optional(text(200)) })),
        subscriber: Type.Optional(text(100, { description: "The subscriber's number with that payer" })),
        group: Type.Optional(text(100)),
        paid: Type.Optional(Amount),
        adjudication: Type.Optional(Type.Array(Adjudication)),
        item: Type.Optional(
          Type.Array(
            closed({
              sequence: Sequence,
              paid: Type.Optional(Amount),
              date: Type.Optional(DateOnly),
              adjudication: Type.Optional(Type.Array(Adjudication)),
            }),
            { description: 'What that payer paid and adjusted, by line' },
          ),
        ),
      }),
      { description: 'Other payers of the claim (coordination of benefits)' },
    ),
  ),
  total: closed({
    charge: Type.Optional(Amount),
    allowed: Type.Optional(Amount),
    paid: Type.Optional(Amount),
    patientResponsibility: Type.Optional(Amount),
  }),
  payment: Type.Optional(
    closed({
      amount: Type.Optional(Amount),
      date: Type.Optional(DateOnly),
      identifier: Type.Optional(text(100, { description: 'Number of the check or transfer' })),
    }),
  ),
  imbalance: Type.Optional(
    Type.Array(
      closed({
        line: Type.Optional(Sequence),
        charge: Amount,
        adjustments: Amount,
        paid: Amount,
        difference: Amount,
      }),
      {
        description:
          'Where charge − adjustments is not what was paid, of the claim or of a line: the remittance does not balance',
      },
    ),
  ),
};

const Source = Type.Record(Type.String(), Type.Unknown(), {
  description: 'What the file held and the claim has no field for, by the names of the source',
});

/** A claim as a format module reads it, and as the canonical JSON format writes it. */
export const Claim = closed({ ...ClaimFields, source: Type.Optional(Source) });
export type Claim = Static<typeof Claim>;
export type ClaimType = (typeof claimTypes)[number];
export type ClaimStatus = (typeof claimStatuses)[number];
export type Gender = (typeof genders)[number];
export type Item = Claim['item'][number];

const served = {
  id: Type.String({ format: 'uuid', description: 'Derived from the identifier: the same in every installation' }),
  ...ClaimFields,
  lastUpdated: Type.String({ format: 'date-time', description: 'When an import last changed the claim' }),
};

/** An entry of a list. */
export const ClaimSummary = closed(served, { $id: 'Claim', description: 'A claim, without `source`' });
/** The answer of one claim's address. */
export const ClaimDetail = closed(
  { ...served, source: Type.Optional(Source) },
  { $id: 'ClaimDetail', description: 'A claim with all that is known of it' },
);
