import type { ClaimRow } from '../claims/render.ts';
import { codeSeparator } from './columns.ts';

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
