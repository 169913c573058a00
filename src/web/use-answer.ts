import { useEffect, useState } from 'preact/hooks';
import { Problem } from './api.ts';

export interface Answer<T> {
  /** While `loading`, still what was shown before, so that a page does not blink between two answers. */
  value: T | undefined;
  problem: Problem | undefined;
  loading: boolean;
  reload(): void;
}

interface Settled<T> {
  key: string;
  value?: T | undefined;
  problem?: Problem;
}

/** Loads whenever `key` changes and ends the request it overtakes, so that no late answer replaces a newer one. */
export function useAnswer<T>(key: string, load: (signal: AbortSignal) => Promise<T>): Answer<T> {
  const [settled, settle] = useState<Settled<T>>();
  const [attempt, setAttempt] = useState(0);

  useEffect(() => {
    const controller = new AbortController();
    load(controller.signal).then(
      (value) => {
        if (!controller.signal.aborted) settle({ key, value });
      },
      (error: unknown) => {
        if (controller.signal.aborted) return;
        const problem = error instanceof Problem ? error : new Problem(0, 'the answer could not be shown');
        settle((before) => ({ key, value: before?.key === key ? before.value : undefined, problem }));
      },
    );
    return () => controller.abort();
  }, [key, attempt]);

  const current = settled?.key === key;
  return {
    value: settled?.value,
    problem: current ? settled.problem : undefined,
    loading: !current,
    reload() {
      settle((before) => (before?.value === undefined ? undefined : before));
      setAttempt((before) => before + 1);
    },
  };
}
