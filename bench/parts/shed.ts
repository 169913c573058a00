import { writeFile } from 'node:fs/promises';
import { get } from 'node:http';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { connections, type Part, type Service, withService } from '../bench.ts';
import type { Loaded } from '../load.ts';
import { median } from '../report.ts';

/** Ten times the connections that the service has work for. */
const overload = 10 * connections;
const healthEveryMs = 20;
/** Answers are normal again where they take no longer than this many times the p99 of before. */
const recovered = 2;

/** Ten times as many clients as usual: what is accepted, how fast, what is refused, and whether probes are answered. */
export const shed: Part = (bench) =>
  withService(bench, async (service) => {
    const { load, options, directory } = bench;
    const { tokens } = service;
    const paths = join(directory, 'shed.paths');
    await writeFile(paths, '/api/claims\n');
    const usual: Loaded[] = [];
    const over: Loaded[] = [];
    const health: number[] = [];
    const recovery: number[] = [];
    for (let round = 0; round < options.rounds; round += 1) {
      const asked = { port: service.port, paths, tokens, seconds: options.seconds, body: 'page' as const };
      const normal = await load.run({ ...asked, connections });
      usual.push(normal);
      const probing = probe(service);
      over.push(await load.run({ ...asked, connections: overload, statuses: [200, 503] }));
      health.push(await probing.stop());
      recovery.push(await untilNormal(service, tokens[0] as string, normal.p99 * recovered));
    }
    const { now, peak } = await service.memory();
    const part = 'shed';
    const of = (figure: (loaded: Loaded) => number) => ({
      value: median(over.map(figure)),
      limit: median(usual.map(figure)),
      ratios: over.map((loaded, round) => figure(loaded) / figure(usual[round] as Loaded)),
    });
    const refused = over.map(({ statuses }) => (statuses[503] ?? 0) / ((statuses[200] ?? 0) + (statuses[503] ?? 0)));
    bench.report({
      part,
      what: `${overload} clients: accepted`,
      ...of(({ perSecond }) => perSecond),
      unit: '/s',
      limitIs: `/s with ${connections}`,
      atLeast: 0.9,
      peak,
      note: `${Math.round(median(refused) * 100)} % refused, each with Retry-After`,
    });
    bench.report({
      part,
      what: `${overload} clients: p99 of the accepted`,
      ...of(({ p99 }) => p99),
      unit: 'ms',
      limitIs: `ms with ${connections}`,
      atMost: 5,
    });
    bench.report({
      part,
      what: `${overload} clients: slowest answer of /health/live`,
      value: Math.max(...health),
      unit: 'ms',
      atMost: 50,
    });
    bench.report({
      part,
      what: `${overload} clients: until answers are as fast as before`,
      value: Math.max(...recovery),
      unit: 's',
      atMost: 1,
    });
    bench.report({ part, what: `${overload} clients: memory afterwards`, value: now / 1e6, unit: 'MB' });
  });

/** Asks for the health all the time, and at its end says how long the slowest answer took, in milliseconds. */
function probe(service: Service): { stop(): Promise<number> } {
  let stopped = false;
  let worst = 0;
  const run = async () => {
    while (!stopped) {
      worst = Math.max(worst, await timeOf(service, '/health/live'));
      await setTimeout(healthEveryMs);
    }
    return worst;
  };
  const ended = run();
  return {
    stop: () => {
      stopped = true;
      return ended;
    },
  };
}

/** Seconds. */
async function untilNormal(service: Service, token: string, ms: number): Promise<number> {
  const started = performance.now();
  while ((await timeOf(service, '/api/claims', token)) > ms) {
    if (performance.now() - started > 30_000) break;
  }
  return (performance.now() - started) / 1000;
}

/** Milliseconds until the answer is there; of one that is refused, without end. */
function timeOf({ port }: Service, path: string, token?: string): Promise<number> {
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  const started = performance.now();
  const headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
  get({ host: '127.0.0.1', port, path, headers, agent: false }, (answer) => {
    answer.resume();
    answer.on('end', () => resolve(answer.statusCode === 200 ? performance.now() - started : Number.POSITIVE_INFINITY));
  }).on('error', reject);
  return promise;
}
