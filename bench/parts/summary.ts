import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ask, type Part, rate, withService } from '../bench.ts';
import type { Loaded } from '../load.ts';

/** Sums by month and type over all claims. */
export const summary: Part = (bench) =>
  withService(bench, async (service) => {
    const path = '/api/claims/summary?by=month,type';
    const row = { part: 'summary', what: 'summary by month and type' };
    const paths = join(bench.directory, 'summary.paths');
    await writeFile(paths, `${path}\n`);
    const rounds: Loaded[] = [];
    for (let round = 0; round < bench.options.rounds; round += 1)
      rounds.push(await ask(bench, service, { paths }, { isFirst: round === 0 }));
    bench.report({ ...rate(row, rounds), peak: (await service.memory()).peak });
  });
