import { claimColumn, type FlatColumn, flatColumns } from '../../export/columns.ts';
import { Refusal } from '../format.ts';
import { readClaimRow } from './claim-column.ts';
import type { Read } from './json.ts';
import { readRow, TableColumns } from './tabular.ts';

export type RowReader = (cells: readonly unknown[], position: number) => Read;

/**
 * How the rows of a table with these columns become claims: from the column that holds the whole claim, as claims export
 * writes it, or else from the columns that are known by name. Throws Refusal where it can be neither.
 */
export function tableReader(names: readonly string[], system: string): RowReader {
  if (holdsClaims(names)) return (cells, position) => readClaimRow(cells, names, position);
  const columns = new TableColumns(names);
  return (cells, position) => readRow(cells, columns, system, position);
}

/**
 * Whether a column holds the whole claim. A column of that name among others that no export has holds something else;
 * one that was added to an export is refused, as there would be no place for what it holds.
 */
export function holdsClaims(names: readonly string[]): boolean {
  if (!names.includes(claimColumn)) return false;
  const added = names.findIndex((name) => name !== claimColumn && !flatColumns.includes(name as FlatColumn));
  if (added >= 0 && names.includes('identifier_value')) {
    throw new Refusal(
      `expected only columns of claims export beside its column ${claimColumn}, found another as column ${added + 1}: ` +
        `take it out, or take out the column ${claimColumn} to have the claims read from the others`,
    );
  }
  return added < 0;
}
