import { rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { generated } from '../../src/generate/command.ts';
import { type Bench, type Part, withService } from '../bench.ts';
import { type Database, urlOf } from '../database.ts';
import { claimsOf, inEmptyDatabase, writeClaims } from '../imports.ts';
import { runClaims } from '../run-claims.ts';
import { prepareTokens } from '../service.ts';
import { download } from './export.ts';

const bigFile = 2e9;
const idleMs = 3000;

/** Of the service that nobody asks; with --big also of an import and an export of 2 GB. */
export const memory: Part = async (bench) => {
  await withService(bench, async (service) => {
    await setTimeout(idleMs);
    const { now, peak } = await service.memory();
    bench.report({ part: 'memory', what: 'memory, idle', value: now / 1e6, unit: 'MB', atMost: 90, peak });
  });
  if (!bench.options.big) return;

  const name = 'claims_bench_2gb';
  const file = join(bench.directory, 'big.ndjson');
  await writeClaims(file, generated(2, claimsOf(bigFile, 'ndjson')), 'ndjson');
  await inEmptyDatabase(bench.server, name, async () => {
    const url = urlOf(bench.server, name);
    const { peakBytes } = await runClaims(['import', file], url, bench.directory);
    const { size } = await stat(file);
    await rm(file);
    bench.report({
      part: 'memory',
      what: 'memory, at an import of 2 GB',
      value: peakBytes / 1e6,
      unit: 'MB',
      atMost: 300,
      note: `NDJSON, ${(size / 1e9).toFixed(2)} GB`,
    });
    const tokens = await prepareTokens(bench.directory, url);
    await exportBig(bench, { ...bench.database, name, url, tokens });
  });
};

async function exportBig(bench: Bench, database: Database): Promise<void> {
  const file = join(bench.directory, 'big.export');
  await withService(
    bench,
    async (service) => {
      const { peakBytes } = await download(service, 'ndjson', file);
      const { size } = await stat(file);
      bench.report({
        part: 'memory',
        what: 'memory, at an export of 2 GB',
        value: peakBytes / 1e6,
        unit: 'MB',
        atMost: 200,
        note: `NDJSON, ${(size / 1e9).toFixed(2)} GB, GET /api/claims/export`,
      });
    },
    database,
  );
  await rm(file);
}
