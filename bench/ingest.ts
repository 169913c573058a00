/**
 * How fast `claims import` is beside psql's \copy of the same rows into the same table with the same indexes, both in
 * each round: the first load into an empty database, and the daily load, in which 1 % of the claims are others. With
 * --memory instead the peak memory of the importing process, with a file of 200 MB and with one of 2 GB.
 *
 * `npm run bench:ingest -- [--claims 100000] [--rounds 3] [--formats rif,ndjson,837p] [--memory] [--json FILE]`. Needs
 * what `npm run bench` needs, which measures the same in less detail.
 */

import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import type { GeneratedClaim } from '../src/generate/claim.ts';
import { generated } from '../src/generate/command.ts';
import { describeServer, urlOf } from './database.ts';
import { claimsOf, copyOut, expectCounts, type ImportFormat, inEmptyDatabase, psql, writeClaims } from './imports.ts';
import { median, number } from './report.ts';
import { type Run, runClaims } from './run-claims.ts';
import { startServer } from './server.ts';

const { values } = parseArgs({
  options: {
    claims: { type: 'string', default: '100000' },
    rounds: { type: 'string', default: '3' },
    formats: { type: 'string', default: 'rif,ndjson,837p' },
    memory: { type: 'boolean', default: false },
    json: { type: 'string' },
  },
});
const count = Number(values.claims);
const rounds = Number(values.rounds);
const formats = values.formats.split(',') as ImportFormat[];
const database = 'claims_bench_ingest';

/** Of each round. */
interface Times {
  first: Run[];
  copy: number[];
  daily: Run[];
}

const directory = await mkdtemp(join(tmpdir(), 'claims-api-bench-'));
const file = (name: string) => join(directory, name);
const server = await startServer(directory);

try {
  const settings = await describeMachine();
  const report = values.memory ? { memory: await memory() } : { claims: count, loads: await loads() };
  if (values.json) await writeFile(values.json, `${JSON.stringify({ settings, ...report }, null, 2)}\n`);
} finally {
  await server.stop();
  await rm(directory, { recursive: true, force: true });
}

async function loads() {
  const times = new Map(formats.map((format) => [format, { first: [], copy: [], daily: [] } as Times]));
  for (const format of formats) {
    await writeClaims(file(`first.${format}`), generated(1, count), format);
    await writeClaims(file(`daily.${format}`), changed(generated(1, count)), format);
  }
  for (let round = 1; round <= rounds; round += 1) {
    for (const [format, of] of times) {
      await measure(format, of);
      const [first, copy, daily] = [of.first.at(-1), of.copy.at(-1), of.daily.at(-1)] as [Run, number, Run];
      console.log(
        `round ${round}, ${format}: import ${first.seconds.toFixed(1)} s, \\copy ${copy.toFixed(1)} s, ` +
          `daily load ${daily.seconds.toFixed(1)} s, peak ${inMegabytes(first.peakBytes)} MB`,
      );
    }
  }
  const results = [...times].map(([format, of]) => ({
    format,
    'import/s': spread(of.first.map(({ seconds }) => count / seconds)),
    '\\copy/s': spread(of.copy.map((seconds) => count / seconds)),
    // Of each round: what else the machine does is the same for both.
    ratio: spread(of.first.map(({ seconds }, round) => (of.copy[round] as number) / seconds)),
    'daily/s': spread(of.daily.map(({ seconds }) => count / seconds)),
    'peak MB': inMegabytes(Math.max(...of.first.map(({ peakBytes }) => peakBytes))),
  }));
  console.log(`\n${count.toLocaleString('en-US')} claims: median (minimum to maximum) of ${rounds} rounds`);
  console.table(results);
  return results;
}

/** One round of a format. */
async function measure(format: ImportFormat, times: Times): Promise<void> {
  const rows = file('claims.copy');
  await inEmptyDatabase(server, database, async (sql) => {
    times.first.push(await importFile(`first.${format}`));
    await expectCounts(sql, { added: count, changed: 0 });
    await copyOut(server, database, rows);
    await sql`checkpoint`;
    times.daily.push(await importFile(`daily.${format}`));
    await expectCounts(sql, { added: count, changed: Math.ceil(count / 100) });
    await sql`truncate claims, claim_history`;
    await sql`checkpoint`;
    times.copy.push(await psql(server, database, `\\copy claims from '${rows}'`));
  });
  await rm(rows);
}

async function memory() {
  const list: Record<string, string | number>[] = [];
  for (const format of formats) {
    for (const bytes of [200e6, 2e9]) {
      const name = `memory.${format}`;
      await writeClaims(file(name), generated(2, claimsOf(bytes, format)), format);
      const { size } = await stat(file(name));
      await inEmptyDatabase(server, database, async (sql) => {
        const { seconds, peakBytes } = await importFile(name);
        const [loaded] = await sql<{ added: number }[]>`select added::int as added from imports`;
        const claims = loaded?.added ?? 0;
        const perSecond = Math.round(claims / seconds);
        list.push({
          format,
          'file MB': Math.round(size / 1e6),
          claims,
          'claims/s': perSecond,
          'peak MB': inMegabytes(peakBytes),
        });
        console.log(
          `${format}, ${Math.round(size / 1e6)} MB: ${claims} claims, ${perSecond}/s, peak ${inMegabytes(peakBytes)} MB`,
        );
      });
      await rm(file(name));
    }
  }
  return list;
}

function importFile(name: string): Promise<Run> {
  return runClaims(['import', file(name)], urlOf(server, database), directory);
}

/** Every hundredth claim has another day of service. */
function* changed(claims: Iterable<GeneratedClaim>): Generator<GeneratedClaim> {
  for (const claim of claims) yield claim.index % 100 === 0 ? { ...claim, date: '2020-02-29' } : claim;
}

async function describeMachine() {
  const settings = {
    node: process.version,
    cpu: cpus()[0]?.model,
    cores: cpus().length,
    ...(await describeServer(server)),
  };
  console.log(
    Object.entries(settings)
      .map(([name, value]) => `${name} ${value}`)
      .join(', '),
  );
  return settings;
}

function spread(numbers: number[]): string {
  return `${number(median(numbers))} (${number(Math.min(...numbers))} to ${number(Math.max(...numbers))})`;
}

function inMegabytes(bytes: number): number {
  return Math.round(bytes / 1e6);
}
