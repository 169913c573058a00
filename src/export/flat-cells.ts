import { type ClaimRow, renderClaim, withSource } from '../claims/render.ts';
import type { Claim } from '../claims/schema.ts';
import { codeSeparator } from './columns.ts';
import type { ExportedClaim } from './export-claims.ts';

/** A claim as an export has it that was never in a database. */
export function exported(claim: Claim): ExportedClaim {
  const row = renderClaim(claim);
  return { cells: flatCells(row), claim: withSource(row.document, row.source) };
}

/** The cells of the flat columns, in their order; empty where the claim has no value. */
export function flatCells(row: ClaimRow): string[] {
  return [
    row.id,
    row.identifierSystem,
    row.identifierValue,
    row.type,
    row.subType ?? '',
    row.status,
    row.patientId,
    row.providerId ?? '',
    row.payerId ?? '',
    row.serviceDate,
    row.serviceDateEnd,
    row.charge ?? '',
    row.allowed ?? '',
    row.paid ?? '',
    row.patientResponsibility ?? '',
    row.diagnoses.join(codeSeparator),
    row.procedures.join(codeSeparator),
  ];
}
