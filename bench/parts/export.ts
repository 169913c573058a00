import { fork } from 'node:child_process';
import { once } from 'node:events';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { type Part, type Service, withService } from '../bench.ts';
import type { Downloaded } from '../download.ts';
import { psql } from '../imports.ts';
import { median } from '../report.ts';
import { forgetPeak } from '../service.ts';
import { exports } from '../statements.ts';

const atLeast = 0.8;

interface Exported {
  seconds: number;
  peakBytes: number;
}

/** All claims over HTTP into a file, beside \copy of the same. */
export const exporting: Part = (bench) =>
  withService(bench, async (service) => {
    const { directory, server, database, options } = bench;
    for (const format of ['ndjson', 'csv'] as const) {
      const file = join(directory, `export.${format}`);
      const ours: Exported[] = [];
      const copy: number[] = [];
      for (let round = 0; round < options.rounds; round += 1) {
        copy.push(await psql(server, database.name, exports[format](join(directory, `copy.${format}`))));
        ours.push(await download(service, format, file));
      }
      const { size } = await stat(file);
      const { size: copied } = await stat(join(directory, `copy.${format}`));
      if (Math.abs(size / copied - 1) > 0.02) {
        throw new Error(`the ${format} export has ${size} bytes, that of \\copy ${copied}: not the same`);
      }
      bench.report({
        part: 'export',
        what: `export of everything as ${format}`,
        value: size / 1e6 / median(ours.map(({ seconds }) => seconds)),
        unit: 'MB/s',
        limit: copied / 1e6 / median(copy),
        limitIs: '\\copy',
        ratios: ours.map(({ seconds }, round) => (copy[round] as number) / seconds),
        atLeast,
        peak: Math.max(...ours.map(({ peakBytes }) => peakBytes)),
        note: 'GET /api/claims/export',
      });
    }
  });

export async function download(service: Service, format: string, file: string): Promise<Exported> {
  await forgetPeak(service.pid);
  const path = `/api/claims/export?format=${format}`;
  const child = fork(join(import.meta.dirname, '../download.ts'), [String(service.port), path, file], {
    env: { ...process.env, TOKEN: service.tokens[0] },
  });
  const [answer] = (await once(child, 'message')) as [Downloaded];
  if (answer.error !== undefined) throw new Error(`GET ${path}: ${answer.error}`);
  return { seconds: answer.seconds, peakBytes: (await service.memory()).peak };
}
