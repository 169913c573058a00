import { Fault, renderClaim } from '../../claims/render.ts';
import { amountColumns, claimColumn, flatColumns, guardFormula } from '../../export/columns.ts';
import { flatCells } from '../../export/flat-cells.ts';
import { type Read, readClaim } from './json.ts';
import { readAmount, readDay } from './tabular.ts';

/**
 * The claim that a row holds whole. Where another cell of the row says something else, somebody changed it, and which of
 * the two they meant cannot be told: then the row is not taken.
 */
export function readClaimRow(cells: readonly unknown[], names: readonly string[], position: number): Read {
  const text = cells[names.indexOf(claimColumn)];
  if (typeof text !== 'string') {
    return { reject: { position, field: claimColumn, reason: 'expected a claim as JSON text, found something else' } };
  }
  const read = readClaim(text, position);
  if ('reject' in read) return read;
  try {
    checkCells(cells, names, flatCells(renderClaim(read.claim)));
    return read;
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    const claim = read.claim.identifier.value;
    return { reject: { position, claim, field: error.field, reason: error.reason } };
  }
}

function checkCells(cells: readonly unknown[], names: readonly string[], expected: readonly string[]): void {
  for (const [place, column] of flatColumns.entries()) {
    const index = names.indexOf(column);
    if (index >= 0 && !saysSame(column, cells[index], expected[place] as string)) {
      throw new Fault(
        column,
        `expected the same as in the column ${claimColumn}: change it there, or in both, or take out the column ${column}`,
      );
    }
  }
}

/** Spreadsheets write days and amounts in ways of their own when they save what they have opened. */
function saysSame(column: string, cell: unknown, expected: string): boolean {
  const found = cell === null || cell === undefined ? '' : String(cell);
  if (found === expected || found === guardFormula(column, expected)) return true;
  if (amountColumns.has(column)) return readAmount(found) === expected;
  return column.startsWith('service_date') && readDay(found) === expected;
}
