import { anyClaim, connections, type Part, withService } from '../bench.ts';

/** Answers of which the rate is one figure. */
const windowSize = 50_000;

/** Look-ups by id without end: the last must be as fast as the first, and leave nothing behind in memory. */
export const soak: Part = (bench) =>
  withService(bench, async (service) => {
    const { load, options } = bench;
    const window = Math.min(windowSize, Math.ceil(options.lookups / 4));
    const { paths } = await anyClaim(bench);
    const { perSecond, windows, p50, p99 } = await load.run({
      port: service.port,
      paths,
      tokens: service.tokens,
      connections,
      answers: options.lookups,
      warmUpSeconds: 5,
      body: 'claim',
      window,
    });
    const [first, last] = [windows[0] as number, windows.at(-1) as number];
    const { now, peak } = await service.memory();
    bench.report({
      part: 'soak',
      what: `${options.lookups.toLocaleString('en-US')} look-ups, the last ${window.toLocaleString('en-US')}`,
      value: last,
      unit: '/s',
      p50,
      p99,
      limit: first,
      limitIs: 'the first',
      ratios: [last / first],
      atLeast: 0.95,
      peak,
      note:
        `${Math.round(perSecond).toLocaleString('en-US')}/s over all; ` +
        `windows from ${(Math.min(...windows) / first).toFixed(2)} to ${(Math.max(...windows) / first).toFixed(2)} of the first`,
    });
    bench.report({ part: 'soak', what: 'memory after them', value: now / 1e6, unit: 'MB', atMost: 150 });
  });
