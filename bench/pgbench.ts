import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Draw } from './draws.ts';
import type { Server } from './server.ts';

const clients = 8;

/**
 * How often a second PostgreSQL answers the statement: pgbench, 8 clients, prepared. A transaction of its script fetches
 * a row of values drawn at random from the whole set, and asks the statement once for each of them; so it and the service
 * ask for the same. That fetch, one look-up by primary key in 50, counts as an answer.
 */
export async function pgbench(
  server: Server,
  database: string,
  { directory, statement, draw, seconds }: { directory: string; statement: string; draw?: Draw; seconds: number },
): Promise<number> {
  const script = join(directory, 'pgbench.sql');
  await writeFile(script, draw === undefined ? `${statement};\n` : drawing(statement, draw), { mode: 0o644 });
  const output = await server.run(
    'pgbench',
    ['-n', '-M', 'prepared', '-c', String(clients), '-j', '2', '-T', String(Math.ceil(seconds)), '-f', script],
    database,
  );
  const [, transactions] = /^tps = ([\d.]+)/m.exec(output) ?? [];
  const [, failed] = /^number of failed transactions: (\d+)/m.exec(output) ?? [];
  if (transactions === undefined || Number(failed ?? 0) > 0) throw new Error(`pgbench failed:\n${output}`);
  return Number(transactions) * (draw === undefined ? 1 : draw.perRow + 1);
}

function drawing(statement: string, { table, rows, perRow }: Draw): string {
  const lines = [`\\set n random(0, ${rows - 1})`, `select * from ${table} where n = :n \\gset`];
  for (let place = 1; place <= perRow; place += 1) {
    lines.push(`${statement.replaceAll(/(?<!:):([ab])\b/g, (_, column) => `:${column}${place}`)};`);
  }
  return `${lines.join('\n')}\n`;
}
