import type { ClaimStatus, ClaimType } from '../claims/schema.ts';

/** The filters of GET /api/claims, in the order of the form. */
export const filterLabels = {
  patient: 'Patient id',
  status: 'Status',
  type: 'Type',
  subType: 'Subtype',
  serviceFrom: 'Service from',
  serviceTo: 'Service to',
  provider: 'Provider id',
  payer: 'Payer id',
  diagnosis: 'Diagnosis code',
  procedure: 'Procedure code',
  updatedSince: 'Updated since',
} as const;

export type FilterName = keyof typeof filterLabels;
export const filterNames = Object.keys(filterLabels) as FilterName[];

/** Values as the API takes them; what is not filtered on is absent. */
export type Filters = Partial<Record<FilterName, string>>;

export type Sort = '-serviceDate' | 'serviceDate';

// Written again here because the schema module would bring TypeBox into the bundle; a test holds the two together.
export const choices = {
  type: ['institutional', 'professional', 'oral', 'pharmacy', 'vision'] satisfies ClaimType[],
  status: [
    'submitted',
    'accepted',
    'rejected',
    'pending',
    'paid',
    'denied',
    'reversed',
    'replaced',
    'cancelled',
  ] satisfies ClaimStatus[],
};

/** Known names with something in them, in the form's order, so that equal filters have equal addresses. */
export function cleanFilters(values: (name: FilterName) => string | null | undefined): Filters {
  const filters: Filters = {};
  for (const name of filterNames) {
    const value = values(name)?.trim();
    if (value) filters[name] = value;
  }
  return filters;
}
