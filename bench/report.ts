import { cpus } from 'node:os';

/** A line of the table: what was measured, beside its limit where it has one. */
export interface Row {
  part: string;
  what: string;
  /** The median of the rounds. */
  value: number | undefined;
  unit: string;
  /** Milliseconds. */
  p50?: number | undefined;
  p99?: number | undefined;
  /** Of one core, that asking took; only in the JSON. */
  loadCpu?: number;
  /** The median of the same rounds, in the same unit. */
  limit?: number | undefined;
  limitIs?: string;
  /** Of each round, ours to the limit; what else the machine does is the same for both. */
  ratios?: number[] | undefined;
  /** What the ratio, or where there is none the value, must reach. */
  atLeast?: number;
  atMost?: number;
  /** Bytes. */
  peak?: number | undefined;
  note?: string;
}

export type Report = (row: Row) => void;

export interface Results {
  when: string;
  settings: Record<string, string | number>;
  rows: (Row & { ratio: number | undefined; reached: boolean | undefined })[];
}

export function results(rows: Row[], settings: Record<string, string | number>): Results {
  return {
    when: new Date().toISOString(),
    settings: { node: process.version, cpu: cpus()[0]?.model ?? '', cores: cpus().length, ...settings },
    rows: rows.map((row) => ({
      ...row,
      ratio: ratioOf(row),
      reached: shortBy(row) === undefined ? undefined : shortBy(row) === 0,
    })),
  };
}

/** The table, with a verdict in each line. */
export function table(rows: Row[]): string {
  const head = ['what', 'measured', 'p50 ms', 'p99 ms', 'limit', 'ratio', 'min to max', 'to reach', 'peak MB', ''];
  const lines = rows.map((row) => [
    row.what,
    row.value === undefined ? '' : `${number(row.value)} ${row.unit}`,
    row.p50 === undefined ? '' : number(row.p50),
    row.p99 === undefined ? '' : number(row.p99),
    row.limit === undefined ? '' : `${number(row.limit)} ${row.limitIs ?? ''}`.trim(),
    row.ratios === undefined ? '' : number(median(row.ratios)),
    row.ratios === undefined ? '' : `${number(Math.min(...row.ratios))} to ${number(Math.max(...row.ratios))}`,
    goal(row),
    row.peak === undefined ? '' : String(Math.round(row.peak / 1e6)),
    [verdict(row), row.note].filter(Boolean).join('; '),
  ]);
  const widths = head.map((title, column) =>
    Math.max(title.length, ...lines.map((line) => (line[column] as string).length)),
  );
  const right = (column: number) => column > 0 && column < head.length - 1;
  const print = (cells: string[]) =>
    cells
      .map((cell, column) =>
        right(column) ? cell.padStart(widths[column] as number) : cell.padEnd(widths[column] as number),
      )
      .join('  ')
      .trimEnd();
  return [print(head), widths.map((width) => '-'.repeat(width)).join('  '), ...lines.map(print)].join('\n');
}

/** The same of one row, while the others are still measured. */
export function line(row: Row): string {
  const figures = [
    row.value === undefined ? '' : `${number(row.value)} ${row.unit}`.trim(),
    row.p99 === undefined ? '' : `p99 ${number(row.p99)} ms`,
    row.limit === undefined ? '' : `limit ${number(row.limit)} ${row.limitIs ?? ''}`.trim(),
    row.ratios === undefined ? '' : `ratio ${number(median(row.ratios))}`,
    verdict(row),
    row.note,
  ];
  return `${row.what}: ${figures.filter(Boolean).join(', ')}`;
}

/** More than this a ratio may not have changed for the worse. */
const tolerance = 0.15;

/** The ratios beside those of an earlier run; `worse` where one of them has fallen by more than 15 %. */
export function compare(now: Results, before: Results): { text: string; worse: boolean } {
  let worse = false;
  const lines = ['', `ratio now and in the run of ${before.when}:`];
  for (const row of now.rows) {
    const old = before.rows.find(({ part, what }) => part === row.part && what === row.what);
    const [a, b] = [row.ratio ?? row.value, old?.ratio ?? old?.value];
    if (a === undefined || b === undefined) continue;
    const lowerIsBetter = row.atMost !== undefined;
    const fell = (lowerIsBetter ? b / a : a / b) < 1 - tolerance;
    // A figure without a limit is of the machine of that hour.
    const counts = row.ratio !== undefined;
    if (fell && counts) worse = true;
    lines.push(
      `${row.what.padEnd(60)} ${number(a).padStart(10)} ${number(b).padStart(10)}${fell ? (counts ? '  worse' : '  lower') : ''}`,
    );
  }
  return { text: lines.join('\n'), worse };
}

function ratioOf(row: Row): number | undefined {
  return row.ratios === undefined ? undefined : median(row.ratios);
}

/** By which part of it a goal was missed, 0 where it was reached; undefined where there is none, or nothing to hold to it. */
function shortBy(row: Row): number | undefined {
  const figure = ratioOf(row) ?? row.value;
  if (figure === undefined || (row.atLeast === undefined && row.atMost === undefined)) return undefined;
  if (row.atLeast !== undefined && figure < row.atLeast) return 1 - figure / row.atLeast;
  if (row.atMost !== undefined && figure > row.atMost) return figure / row.atMost - 1;
  return 0;
}

function verdict(row: Row): string {
  const missed = shortBy(row);
  if (missed === undefined) return '';
  if (missed === 0) return 'reached';
  return `${row.atLeast === undefined ? 'over' : 'short'} by ${Math.ceil(missed * 100)} %`;
}

const goal = ({ atLeast, atMost }: Row) =>
  atLeast !== undefined ? `>= ${number(atLeast)}` : atMost !== undefined ? `<= ${number(atMost)}` : '';

export function median(numbers: number[]): number {
  const sorted = numbers.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1
    ? (sorted[middle] as number)
    : ((sorted[middle - 1] as number) + (sorted[middle] as number)) / 2;
}

export function number(value: number): string {
  if (value === 0 || Math.abs(value) >= 100) return Math.round(value).toLocaleString('en-US');
  return Math.abs(value) >= 10 ? value.toFixed(1) : value.toFixed(value < 0.1 ? 3 : 2);
}
