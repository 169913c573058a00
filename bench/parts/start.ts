import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Part } from '../bench.ts';
import { median } from '../report.ts';
import { startService } from '../service.ts';

/** More rounds than elsewhere: one takes half a second. */
const perRound = 3;

/** From the start of the process to ready, with a database that is up and loaded, beside node with an empty file. */
export const start: Part = async ({ directory, database, options, report }) => {
  const empty = join(directory, 'empty.mjs');
  await writeFile(empty, '');
  const ours: number[] = [];
  const limits: number[] = [];
  for (let round = 0; round < options.rounds * perRound; round += 1) {
    const started = performance.now();
    await once(spawn(process.execPath, [empty], { stdio: 'ignore' }), 'exit');
    limits.push((performance.now() - started) / 1000);
    const service = await startService(directory, database.url);
    ours.push(service.secondsToReady);
    await service.stop();
  }
  report({ part: 'start', what: 'start to ready', value: median(ours), unit: 's', atMost: 0.5 });
  report({
    part: 'start',
    what: 'start to ready, beside node itself',
    value: median(ours),
    unit: 's',
    limit: median(limits),
    limitIs: 'node, an empty file',
    ratios: ours.map((seconds, round) => seconds / (limits[round] as number)),
    atMost: 8,
  });
};
