import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { generated } from '../../src/generate/command.ts';
import type { Bench, Part } from '../bench.ts';
import { copyDatabase, dropDatabase, onDatabase, onServer, urlOf } from '../database.ts';
import { expectCounts, type ImportFormat, importFormats, inEmptyDatabase, psql, writeClaims } from '../imports.ts';
import { median } from '../report.ts';
import { type Run, runClaims } from '../run-claims.ts';

const atLeast: Record<ImportFormat, number> = { rif: 1, ndjson: 1, '837p': 0.7 };

interface Times {
  ours: Run[];
  copy: number[];
}

/**
 * A file of each format beside \copy of the rows that it makes, into tables with the same indexes: into empty ones, and
 * into two copies of the loaded database, one for each, which grow alike from format to format.
 */
export const importing: Part = async (bench) => {
  const { directory, server, options, database } = bench;
  const files = new Map<ImportFormat, { file: string; rows: string }>();
  for (const [index, format] of importFormats.entries()) {
    const file = join(directory, `claims.${format}`);
    await writeClaims(file, generated(index + 2, options.importClaims), format);
    files.set(format, { file, rows: join(directory, `claims.${format}.rows`) });
  }
  const empty = timesOf();
  const full = timesOf();
  const [names, copies] = [['claims_bench_import', 'claims_bench_copy'] as const, [] as string[]];
  try {
    for (let round = 0; round < options.rounds; round += 1) {
      for (const [format, { file, rows }] of files) {
        await intoEmpty(bench, names[0], file, rows, empty.get(format) as Times);
      }
      for (const name of names) {
        await copyDatabase(server, database, name);
        copies.push(name);
      }
      for (const [format, { file, rows }] of files) {
        const { ours, copy } = full.get(format) as Times;
        await onServer(server, (sql) => sql`checkpoint`);
        ours.push(await runClaims(['import', file], urlOf(server, names[0]), directory));
        await onServer(server, (sql) => sql`checkpoint`);
        copy.push(await psql(server, names[1], `\\copy claims from '${rows}'`));
      }
      const expected = database.claims + importFormats.length * options.importClaims;
      for (const name of names) await expectClaims(urlOf(server, name), expected);
    }
  } finally {
    for (const name of copies) await dropDatabase(server, name);
  }
  for (const [what, times] of [
    ['empty', empty],
    [database.claims.toLocaleString('en-US'), full],
  ] as const) {
    for (const format of importFormats) {
      const { ours, copy } = times.get(format) as Times;
      const { size } = await stat((files.get(format) as { file: string }).file);
      bench.report({
        part: 'import',
        what: `import ${format} into ${what === 'empty' ? 'an empty table' : `one of ${what}`}`,
        value: options.importClaims / median(ours.map(({ seconds }) => seconds)),
        unit: 'claims/s',
        limit: options.importClaims / median(copy),
        limitIs: '\\copy',
        ratios: ours.map(({ seconds }, round) => (copy[round] as number) / seconds),
        atLeast: atLeast[format],
        peak: Math.max(...ours.map(({ peakBytes }) => peakBytes)),
        note: `${(size / 1e6 / median(ours.map(({ seconds }) => seconds))).toFixed(1)} MB/s of the file`,
      });
    }
  }
};

const timesOf = () => new Map(importFormats.map((format) => [format, { ours: [], copy: [] } as Times]));

async function intoEmpty(
  { directory, server, options }: Bench,
  name: string,
  file: string,
  rows: string,
  times: Times,
) {
  await inEmptyDatabase(server, name, async (sql) => {
    times.ours.push(await runClaims(['import', file], urlOf(server, name), directory));
    await expectCounts(sql, { added: options.importClaims, changed: 0 });
    await psql(server, name, `\\copy claims to '${rows}'`);
    await sql`truncate claims, claim_history`;
    await sql`checkpoint`;
    times.copy.push(await psql(server, name, `\\copy claims from '${rows}'`));
  });
}

async function expectClaims(url: string, expected: number): Promise<void> {
  const [row] = await onDatabase(url, (sql) => sql<{ count: number }[]>`select count(*)::int as count from claims`);
  if (row?.count !== expected) throw new Error(`expected ${expected} claims after the imports, found ${row?.count}`);
}
