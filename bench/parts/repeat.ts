import { fork } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Bench, connections, type Part, rate, ratios, withService } from '../bench.ts';
import type { Asked, Loaded } from '../load.ts';
import { median } from '../report.ts';

/** The same page again while nothing is imported, as one reloads it: with the ETag of the answer before, and without. */
export const repeat: Part = (bench) =>
  withService(bench, async (service) => {
    const { directory, options } = bench;
    const { tokens } = service;
    const path = '/api/claims';
    const paths = join(directory, 'repeat.paths');
    await writeFile(paths, `${path}\n`);
    const ask = (headers: Record<string, string> = {}) =>
      fetch(`http://127.0.0.1:${service.port}${path}`, {
        headers: { authorization: `Bearer ${tokens[0]}`, 'accept-encoding': 'identity', ...headers },
      });
    const answer = await ask();
    const etag = answer.headers.get('etag');
    const asked = { paths, tokens, connections, seconds: options.seconds };

    const conditional = { part: 'repeat', what: 'the same page again, If-None-Match: 304', atLeast: 0.6 };
    if (etag === null) {
      bench.report({ ...conditional, value: undefined, unit: '', note: 'not measured: answers have no ETag' });
    } else {
      const of: Omit<Asked, 'port'> = { ...asked, headers: { 'if-none-match': etag }, statuses: [304] };
      await beside(bench, service.port, of, await ask({ 'if-none-match': etag }), conditional);
    }
    const plain = { part: 'repeat', what: 'the same page again', atLeast: 0.4 };
    await beside(bench, service.port, { ...asked, body: 'page' }, answer, plain);
  });

/** Header fields that node:http adds by itself. */
const ofNode = new Set(['connection', 'date', 'keep-alive']);

type Title = { part: string; what: string; atLeast: number };

async function beside(
  bench: Bench,
  port: number,
  asked: Omit<Asked, 'port'>,
  answer: Response,
  row: Title,
): Promise<void> {
  const bytes = (await answer.bytes()).length;
  const fields = [...answer.headers].filter(([name]) => !ofNode.has(name)).flat();
  const program = join(import.meta.dirname, '../constant-server.ts');
  const constant = fork(program, [String(answer.status), JSON.stringify(fields), String(bytes)]);
  try {
    const [constantPort] = (await once(constant, 'message')) as [number];
    const ours: Loaded[] = [];
    const limits: number[] = [];
    for (let round = 0; round < bench.options.rounds; round += 1) {
      const { body: _, ...plain } = asked;
      const limit = await bench.load.run({ ...plain, port: constantPort });
      limits.push(limit.perSecond);
      ours.push(await bench.load.run({ ...asked, port }));
    }
    bench.report({
      ...rate(row, ours),
      limit: median(limits),
      limitIs: `node:http, ${bytes.toLocaleString('en-US')} B`,
      ratios: ratios(ours, limits),
    });
  } finally {
    constant.kill();
  }
}
