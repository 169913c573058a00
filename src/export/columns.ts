/**
 * The layout of the tables that claims export writes and claims import reads back: flat columns for people, spreadsheets
 * and SQL, and in the last one the whole claim.
 */
export const flatColumns = [
  'id',
  'identifier_system',
  'identifier_value',
  'type',
  'sub_type',
  'status',
  'patient_id',
  'provider_id',
  'payer_id',
  'service_date',
  'service_date_end',
  'charge',
  'allowed',
  'paid',
  'patient_responsibility',
  'diagnoses',
  'procedures',
] as const;
export type FlatColumn = (typeof flatColumns)[number];

/** The whole claim as JSON. */
export const claimColumn = 'claim';

export const amountColumns: ReadonlySet<string> = new Set(['charge', 'allowed', 'paid', 'patient_responsibility']);

/** Codes as they are searched, E119: in this order they are one cell. */
export const codeSeparator = ' ';

export const formulaStarts = ['=', '+', '-', '@', '\t', '\r'];

/**
 * The text of a CSV cell that a spreadsheet would take for a formula, and run, gets an apostrophe before it (OWASP, CSV
 * injection). Nothing is lost by that: what is read back is the column claim, whose text starts with a brace. Amounts
 * are left as they are, since a minus before digits runs nothing.
 */
export function guardFormula(column: string, text: string): string {
  return formulaStarts.includes(text.charAt(0)) && !amountColumns.has(column) ? `'${text}` : text;
}
