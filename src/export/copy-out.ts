import { pipeline, type Readable } from 'node:stream';
import { dataVersion } from '../claims/data-version.ts';
import { type ClaimFilters, matching } from '../claims/queries.ts';
import type { Sql } from '../db/client.ts';
import { amountColumns, claimColumn, codeSeparator, flatColumns, formulaStarts } from './columns.ts';
import { Gathered } from './gathered.ts';

export const copiedFormats = ['ndjson', 'csv'] as const;
export type CopiedFormat = (typeof copiedFormats)[number];

/** The claims as text, and the data version that they are of. */
export interface Copied {
  version: string;
  text: Readable;
  /** How many claims were read so far. */
  count(): number;
}

/**
 * The claims that match, as the database stood when this was called; in the order of their ids where that is asked for,
 * so that the same claims are the same text, at the cost of sorting them before the first is sent. PostgreSQL writes the text
 * itself, by COPY, so that no claim is taken apart on its way. Needs a connection for itself, in a transaction from here
 * until the text has ended; a client that ends the connection earlier ends the export.
 */
export async function copyClaims(
  sql: Sql,
  format: CopiedFormat,
  filters: ClaimFilters,
  order: 'by id' | 'any',
): Promise<Copied> {
  await sql`begin isolation level repeatable read read only`;
  const version = await dataVersion(sql);
  // COPY takes no parameters, but reads settings.
  const settings: { name: string; value: string }[] = [];
  const conditions = matching(sql, filters, (filter, value) => {
    const name = `claims_api.${filter}`;
    settings.push({ name, value });
    return sql`current_setting(${sql.unsafe(`'${name}'`)})`;
  });
  for (const { name, value } of settings) await sql`select set_config(${name}, ${value}, true)`;
  const sorted = order === 'by id' ? sql`order by id` : sql``;
  const claims = sql`from claims where ${[sql`true`, ...conditions]} ${sorted}`;
  const query =
    format === 'ndjson'
      ? // Never quoted, as JSON holds no such characters.
        sql`copy (select ${whole(sql)} ${claims}) to stdout (format csv, delimiter e'\\x02', quote e'\\x01')`
      : sql`copy (select ${cells(sql)} ${claims}) to stdout (format csv, header)`;
  const text = new Gathered();
  pipeline(await query.readable(), text, () => {});
  const header = format === 'csv' ? 1 : 0;
  return { version, text, count: () => Math.max(text.rows - header, 0) };
}

/** withSource, in SQL. By bytes: to take the last character off with left(), which counts them, cost half of an export. */
const whole = (sql: Sql) => sql`
  case when source is null then document else
    convert_from(substr(convert_to(document, 'UTF8'), 1, octet_length(document) - 1), 'UTF8') ||
      ',"source":' || source || '}'
  end`;

/** The cells of export-claims.ts, in SQL. */
const cells = (sql: Sql) => {
  const columns = flatColumns.map((column) => {
    if (column === 'diagnoses' || column === 'procedures') {
      return `${guarded(`nullif(array_to_string(${column}, '${codeSeparator}'), '')`)} as ${column}`;
    }
    const isText = !amountColumns.has(column) && !notText.has(column);
    return isText ? `${guarded(column)} as ${column}` : column;
  });
  return sql`${sql.unsafe(columns.join(', '))}, ${whole(sql)} as ${sql.unsafe(claimColumn)}`;
};

/** Or of few words, none of which a formula starts with. */
const notText: ReadonlySet<string> = new Set(['id', 'type', 'status', 'service_date', 'service_date_end']);

/** guardFormula, in SQL. By the code of the first character: to compare it as a text took twice as long. */
const guarded = (text: string) => {
  const starts = formulaStarts.map((character) => character.charCodeAt(0)).join(', ');
  return `case when ascii(${text}) in (${starts}) then '''' || ${text} else ${text} end`;
};
