import Type from 'typebox';
import { invalidField } from '../problems.ts';
import { isDate } from './date.ts';
import type { ClaimFilters } from './queries.ts';
import { claimStatuses, claimTypes } from './schema.ts';

/** PostgreSQL holds no NUL, so nothing could match one. */
const text = (maxLength: number, description: string, examples: string[]) =>
  Type.Optional(Type.String({ minLength: 1, maxLength, pattern: '^[^\\u0000]*$', description, examples }));
const day = (description: string) =>
  Type.Optional(Type.String({ format: 'date', description, examples: ['2025-03-31'] }));

/** The parameters that narrow down claims, of every route that answers about many; see ClaimFilters. */
export const claimFilters = {
  patient: text(100, "The patient's id", ['-1000014']),
  type: Type.Optional(Type.Enum([...claimTypes], { description: 'FHIR claim type' })),
  subType: text(50, 'What the source calls the type: inpatient, carrier, pde, …', ['inpatient']),
  status: Type.Optional(Type.Enum([...claimStatuses], { description: 'Where the claim stands' })),
  provider: text(100, 'The NPI, or number, of the billing provider', ['8888863056']),
  payer: text(100, "The payer's id", ['31143']),
  diagnosis: text(50, 'A diagnosis code of the claim, with or without its dot', ['E11.9']),
  procedure: text(50, 'A procedure or service code of the claim or one of its items', ['99213']),
  serviceFrom: day('The first day of service is this day or later'),
  serviceTo: day('The first day of service is this day or earlier'),
  updatedSince: Type.Optional(
    Type.String({
      format: 'date-time',
      description:
        'Claims that an import brought or changed at this time or later. To follow changes, ask from a minute before ' +
        'the last answer on: imports that end show times since their last batch began.',
      examples: ['2025-03-31T00:00:00Z'],
    }),
  ),
};

export const asOf = Type.Optional(
  Type.String({
    format: 'date-time',
    description: 'Answers as the database stood at this time, to its millisecond; states that came later do not count',
    examples: ['2025-03-31T00:00:00Z'],
  }),
);

/** What a date format lets through and PostgreSQL does not: years before 1, leap seconds, offsets without minutes. */
export function checkTimes(filters: ClaimFilters): ClaimFilters {
  for (const field of ['serviceFrom', 'serviceTo'] as const) {
    const day = filters[field];
    if (day !== undefined && !isDate(day)) throw invalidField(field, 'expected a day of the calendar as yyyy-mm-dd');
  }
  const { updatedSince } = filters;
  return updatedSince === undefined ? filters : { ...filters, updatedSince: timeOf('updatedSince', updatedSince) };
}

function timeOf(field: string, text: string): string {
  const time = new Date(text);
  if (Number.isNaN(time.getTime()) || !isDate(time.toISOString().slice(0, 10))) {
    throw invalidField(field, 'expected a time as yyyy-mm-ddThh:mm:ssZ');
  }
  return time.toISOString();
}

/** States have times to the microsecond and show them to the millisecond: a shown time is to find its state. */
export const endOfMillisecond = (asOf: string) => timeOf('asOf', asOf).replace('Z', '999Z');
