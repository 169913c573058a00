import { anyClaim, type Bench, connections, type Part, rate, ratios, type Service, withService } from '../bench.ts';
import type { Asked, Loaded } from '../load.ts';
import { median } from '../report.ts';

/** Answers of which the rate is one figure. */
const windowSize = 50_000;
/** In so many parts the last window is asked for, in turn with the first of another service. */
const turns = 10;

/** Look-ups by id without end: the last must be as fast as the first, and leave nothing behind in memory. */
export const soak: Part = (bench) =>
  withService(bench, async (service) => {
    const { lookups } = bench.options;
    const window = Math.min(windowSize, Math.ceil(lookups / 4));
    const { paths } = await anyClaim(bench);
    const { perSecond, windows } = await ask(bench, service, { paths, answers: lookups - window, window });
    const { last, first: limits } = await withService(bench, (started) =>
      lastAndFirst(bench, service, started, paths, window),
    );
    const { now, peak } = await service.memory();
    const [least, most] = [Math.min(...windows), Math.max(...windows)].map((each) =>
      Math.round(each).toLocaleString('en-US'),
    );
    bench.report({
      ...rate(
        {
          part: 'soak',
          what: `${lookups.toLocaleString('en-US')} look-ups, the last ${window.toLocaleString('en-US')}`,
        },
        last,
      ),
      limit: median(limits),
      limitIs: 'the first of a service just started',
      ratios: ratios(last, limits),
      atLeast: 0.95,
      peak,
      note: `${Math.round(perSecond).toLocaleString('en-US')}/s before them, ${least} to ${most} by ${window.toLocaleString('en-US')}`,
    });
    bench.report({ part: 'soak', what: 'memory after them', value: now / 1e6, unit: 'MB', atMost: 150 });
  });

/**
 * What the machine does meanwhile is the same for both. The first and the last of one service lie more than a minute
 * apart: their ratio was 0.78 to 1.21 and told how the machine went on.
 */
async function lastAndFirst(bench: Bench, service: Service, started: Service, paths: string, window: number) {
  const last: Loaded[] = [];
  const first: number[] = [];
  // V8 compiles what the question runs through.
  await ask(bench, started, { paths, seconds: 0, warmUpSeconds: 5 });
  for (let turn = 0; turn < turns; turn += 1) {
    const part = { paths, answers: Math.ceil(window / turns), warmUpSeconds: 0.1 };
    last.push(await ask(bench, service, part));
    first.push((await ask(bench, started, part)).perSecond);
  }
  return { last, first };
}

const ask = (
  { load }: Bench,
  { port, tokens }: Service,
  asked: Pick<Asked, 'paths' | 'answers' | 'seconds' | 'warmUpSeconds' | 'window'>,
): Promise<Loaded> => load.run({ port, tokens, connections, body: 'claim', ...asked });
