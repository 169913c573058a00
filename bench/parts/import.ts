import { join } from 'node:path';
import { generated } from '../../src/generate/command.ts';
import type { Bench, Part } from '../bench.ts';
import { copyDatabase, dropDatabase, onDatabase, onServer, urlOf } from '../database.ts';
import {
  copyOut,
  expectCounts,
  type ImportFormat,
  importFormats,
  inEmptyDatabase,
  psql,
  writeClaims,
} from '../imports.ts';
import { median } from '../report.ts';
import { type Run, runClaims } from '../run-claims.ts';

const atLeast: Record<ImportFormat, number> = { rif: 1, ndjson: 1, '837p': 0.7 };

const [ofOurs, ofCopy] = ['claims_bench_import', 'claims_bench_copy'] as const;

interface Times {
  ours: Run[];
  copy: number[];
}

/**
 * A file of each format beside \copy of the rows that it makes, into tables with the same indexes: into empty ones, and,
 * four tenths of the claims, into two copies of the loaded database, one for each, which grow alike from file to file.
 */
export const importing: Part = async (bench) => {
  const { directory, server, options, database } = bench;
  const [all, few] = [options.importClaims, Math.ceil(options.importClaims * 0.4)];
  const empty = timesOf();
  const full = timesOf();
  for (const [index, format] of importFormats.entries()) {
    await writeClaims(join(directory, `all.${format}`), generated(index + 2, all), format);
  }
  try {
    for (const name of [ofOurs, ofCopy]) {
      await copyDatabase(server, database, name);
      // After the second file PostgreSQL would vacuum them for half a minute, beside whatever is measured then.
      await onDatabase(urlOf(server, name), (sql) => sql`alter table claims set (autovacuum_enabled = off)`);
    }
    for (let round = 0; round < options.rounds; round += 1) {
      for (const [index, format] of importFormats.entries()) {
        await intoEmpty(bench, join(directory, `all.${format}`), all, empty.get(format) as Times);
        const file = join(directory, `few.${format}`);
        await writeClaims(file, generated(10 + round * importFormats.length + index, few), format);
        await intoFull(bench, file, full.get(format) as Times);
      }
    }
    const expected = database.claims + options.rounds * importFormats.length * few;
    for (const name of [ofOurs, ofCopy]) await expectClaims(urlOf(server, name), expected);
  } finally {
    for (const name of [ofOurs, ofCopy]) await dropDatabase(server, name);
  }
  report(bench, 'an empty table', all, empty);
  report(bench, `one of ${database.claims.toLocaleString('en-US')}`, few, full);
};

function report(bench: Bench, into: string, claims: number, times: Map<ImportFormat, Times>): void {
  for (const [format, { ours, copy }] of times) {
    bench.report({
      part: 'import',
      what: `import ${format} into ${into}`,
      value: claims / median(ours.map(({ seconds }) => seconds)),
      unit: 'claims/s',
      limit: claims / median(copy),
      limitIs: '\\copy',
      ratios: ours.map(({ seconds }, round) => (copy[round] as number) / seconds),
      atLeast: atLeast[format],
      peak: Math.max(...ours.map(({ peakBytes }) => peakBytes)),
    });
  }
}

const timesOf = () => new Map(importFormats.map((format) => [format, { ours: [], copy: [] } as Times]));

async function intoEmpty({ directory, server }: Bench, file: string, claims: number, { ours, copy }: Times) {
  const name = 'claims_bench_empty';
  const rows = `${file}.rows`;
  await inEmptyDatabase(server, name, async (sql) => {
    ours.push(await runClaims(['import', file], urlOf(server, name), directory));
    await expectCounts(sql, { added: claims, changed: 0 });
    if (copy.length === 0) await copyOut(server, name, rows);
    await sql`truncate claims, claim_history`;
    await sql`checkpoint`;
    copy.push(await psql(server, name, `\\copy claims from '${rows}'`));
  });
}

async function intoFull({ directory, server }: Bench, file: string, { ours, copy }: Times) {
  const rows = `${file}.rows`;
  await onServer(server, (sql) => sql`checkpoint`);
  ours.push(await runClaims(['import', file], urlOf(server, ofOurs), directory));
  await copyOut(server, ofOurs, rows);
  await onServer(server, (sql) => sql`checkpoint`);
  copy.push(await psql(server, ofCopy, `\\copy claims from '${rows}'`));
}

async function expectClaims(url: string, expected: number): Promise<void> {
  const [row] = await onDatabase(url, (sql) => sql<{ count: number }[]>`select count(*)::int as count from claims`);
  if (row?.count !== expected) throw new Error(`expected ${expected} claims after the imports, found ${row?.count}`);
}
