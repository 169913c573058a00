import type { ClaimRow } from '../claims/render.ts';

/** The columns of a staged claim, in the order of copyLine. */
export const stagedColumns =
  'id, identifier_system, identifier_value, type, sub_type, status, patient_id, provider_id, payer_id, service_date, ' +
  'service_date_end, charge, allowed, paid, patient_responsibility, diagnoses, procedures, document, source, hash, ' +
  'payer_claim_number, message';

/** A row of PostgreSQL's text COPY format, without its end. */
export function copyLine(row: ClaimRow): string {
  return `${row.id}\t${text(row.identifierSystem)}\t${text(row.identifierValue)}\t${row.type}\t${text(row.subType)}\t${row.status}\t${text(row.patientId)}\t${text(row.providerId)}\t${text(row.payerId)}\t${row.serviceDate}\t${row.serviceDateEnd}\t${text(row.charge)}\t${text(row.allowed)}\t${text(row.paid)}\t${text(row.patientResponsibility)}\t${array(row.diagnoses)}\t${array(row.procedures)}\t${text(row.document)}\t${text(row.source)}\t\\\\x${row.hash}\t${text(row.payerClaimNumber)}\t${text(row.message)}`;
}

const special = /[\\\t\n\r]/;
const escapes: Record<string, string> = { '\\': '\\\\', '\t': '\\t', '\n': '\\n', '\r': '\\r' };

function text(value: string | undefined): string {
  if (value === undefined) return '\\N';
  return special.test(value) ? value.replace(/[\\\t\n\r]/g, (found) => escapes[found] as string) : value;
}

function array(values: string[]): string {
  return text(`{${values.map((value) => `"${value.replace(/["\\]/g, '\\$&')}"`).join(',')}}`);
}
