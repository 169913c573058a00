import type { Connection } from '../src/db/client.ts';

/** Values to ask for, drawn at random: a table from which pgbench takes them, a row of many at a time. */
export interface Draw {
  table: string;
  rows: number;
  /** The columns are a1, b1, a2, b2, … */
  perRow: number;
}

/**
 * Makes the table from another one with the column `a` and, where there are two, `b`, in random order. Rows of values that
 * are not full are left out; where there are few values, they are repeated.
 */
export async function makeDraw(sql: Connection, name: string, from: string, columns: ('a' | 'b')[]): Promise<Draw> {
  const perRow = 50;
  const table = `bench_${name}`;
  const of = (expression: (place: number, column: string) => string) =>
    Array.from({ length: perRow }, (_, place) => columns.map((column) => expression(place + 1, column))).flat();
  await sql.unsafe(`drop table if exists ${table}`);
  await sql.unsafe(`
    create table ${table} as
    with drawn as (
      select *, row_number() over (order by random()) - 1 as place
      from ${from}, generate_series(1, ${perRow} / (select greatest(count(*), 1) from ${from}) + 1)
    ), rows as (
      select (place / ${perRow})::int as n, ${columns.map((c) => `array_agg(${c}::text order by place) as ${c}`).join(', ')}
      from drawn group by 1 having count(*) = ${perRow}
    )
    select n, ${of((place, column) => `${column}[${place}] as ${column}${place}`).join(', ')} from rows`);
  await sql.unsafe(`alter table ${table} add primary key (n)`);
  await sql.unsafe(`analyze ${table}`);
  const [counted] = await sql.unsafe<{ rows: number }[]>(`select count(*)::int as rows from ${table}`);
  return { table, rows: counted?.rows ?? 0, perRow };
}
