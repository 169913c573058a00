import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { generated } from '../../src/generate/command.ts';
import { ask, type Part, rate, type Service, withService } from '../bench.ts';
import { copyDatabase, dropDatabase } from '../database.ts';
import { writeClaims } from '../imports.ts';
import type { Loaded } from '../load.ts';
import { median } from '../report.ts';

const pollMs = 100;

/** The list while the same service loads a file that was uploaded to it, beside the list alone. */
export const duringImport: Part = async (bench) => {
  const { server, directory, options } = bench;
  const copy = await copyDatabase(server, bench.database, 'claims_bench_during');
  try {
    await withService(
      bench,
      async (service) => {
        const paths = join(directory, 'during.paths');
        await writeFile(paths, '/api/claims\n');
        const file = join(directory, 'during.ndjson');
        const alone: Loaded[] = [];
        const during: Loaded[] = [];
        let ended = 0;
        for (let round = 0; round < options.rounds; round += 1) {
          await writeClaims(file, generated(100 + round, Math.ceil(options.importClaims / 3)), 'ndjson');
          alone.push(await ask(bench, service, { paths }, { body: 'page', isFirst: round === 0 }));
          const location = await upload(service, file);
          during.push(await ask(bench, service, { paths }, { body: 'page' }));
          if ((await statusOf(service, location)) === 'completed') ended += 1;
          while ((await statusOf(service, location)) !== 'completed') await setTimeout(pollMs);
        }
        const { peak } = await service.memory();
        bench.report({
          ...rate({ part: 'during-import', what: 'list while an import runs: p99' }, during),
          limit: median(alone.map(({ p99 }) => p99)),
          limitIs: 'ms p99 alone',
          ratios: during.map(({ p99 }, round) => p99 / (alone[round] as Loaded).p99),
          atMost: 3,
          peak,
          ...(ended > 0 && { note: `${ended} of the imports ended before the round: more --import-claims` }),
        });
      },
      copy,
    );
  } finally {
    await dropDatabase(server, copy.name);
  }
};

/** Returns the address of the import. */
async function upload({ port, tokens }: Service, file: string): Promise<string> {
  const answer = await fetch(`http://127.0.0.1:${port}/api/imports?name=bench.ndjson`, {
    method: 'POST',
    headers: { authorization: `Bearer ${tokens[0]}` },
    body: await readFile(file),
  });
  const location = answer.headers.get('location');
  if (answer.status !== 202 || location === null) {
    throw new Error(`the upload was answered ${answer.status}: ${await answer.text()}`);
  }
  return location;
}

async function statusOf({ port, tokens }: Service, location: string): Promise<string> {
  const answer = await fetch(`http://127.0.0.1:${port}${location}`, {
    headers: { authorization: `Bearer ${tokens[0]}` },
  });
  const { status, reason } = (await answer.json()) as { status: string; reason?: string };
  if (!['queued', 'running', 'completed'].includes(status)) throw new Error(`the import is ${status}: ${reason}`);
  return status;
}
