import type { Asked, Loaded } from './load.ts';

const maxErrors = 5;
/** Of so many wrong answers the rest is not waited for. */
const tooManyWrong = 100;

/** Counts the answers of a load from the end of its warm-up to its end. */
export interface Record {
  /** What was answered just now, after so many milliseconds. */
  answered(status: number, took: number): void;
  wrong(reason: string): void;
  ended(): boolean;
  result(): Loaded;
}

export function startRecord(asked: Asked): Record {
  const { seconds = Infinity, answers = Infinity, warmUpSeconds = 0.5, statuses: [counts] = [200], window } = asked;
  const statuses: { [status: number]: number } = {};
  const errors: string[] = [];
  const windows: number[] = [];
  let times = new Float64Array(1 << 16);
  let count = 0;
  let wrong = 0;
  let measuring = false;
  let ended = false;
  let from = performance.now() + warmUpSeconds * 1000;
  let until = Infinity;
  let windowFrom = from;
  let cpu = process.cpuUsage();

  const end = (now: number) => {
    ended = true;
    until = now;
  };

  return {
    answered(status, took) {
      const now = performance.now();
      if (ended || now < from) return;
      if (!measuring) {
        measuring = true;
        from = now;
        windowFrom = now;
        until = from + seconds * 1000;
        cpu = process.cpuUsage();
        return;
      }
      if (now >= until) return end(now);
      statuses[status] = (statuses[status] ?? 0) + 1;
      if (status !== counts) return;
      if (count === times.length) {
        const larger = new Float64Array(times.length * 2);
        larger.set(times);
        times = larger;
      }
      times[count] = took;
      count += 1;
      if (window !== undefined && count % window === 0) {
        windows.push(window / ((now - windowFrom) / 1000));
        windowFrom = now;
      }
      if (count >= answers) end(now);
    },
    wrong(reason) {
      wrong += 1;
      if (errors.length < maxErrors) errors.push(reason);
      if (wrong >= tooManyWrong) end(performance.now());
    },
    ended: () => ended,
    result() {
      const { user, system } = process.cpuUsage(cpu);
      const lasted = (until - from) / 1000;
      const sorted = times.subarray(0, count).sort();
      const at = (share: number) => sorted[Math.min(count - 1, Math.floor(count * share))] ?? Number.NaN;
      return {
        statuses,
        perSecond: count / lasted,
        p50: at(0.5),
        p99: at(0.99),
        windows,
        cpu: (user + system) / 1e6 / lasted,
        wrong,
        errors,
      };
    },
  };
}
