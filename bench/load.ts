import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';

/** What a load asks for, and how it knows a right answer. */
export interface Asked {
  port: number;
  /** A file of paths, a line each, drawn from at random. */
  paths: string;
  /** Sent in turn, one by each connection. */
  tokens: string[];
  connections: number;
  /** It ends after so many seconds, or so many answers. */
  seconds?: number;
  answers?: number;
  /** Not measured; unless given, half a second. */
  warmUpSeconds?: number;
  /** Further header lines of each request. */
  headers?: Record<string, string>;
  /** Statuses of a right answer; unless given, 200. A 503 must have Retry-After. */
  statuses?: number[];
  /**
   * What a body must be, looked at in one answer of fifty: `claim`, the claim whose id ends the path; `page`, 25 claims
   * that are as the filters of the path say; `few`, as many or fewer.
   */
  body?: 'claim' | 'page' | 'few';
  /** Counts the answers a second for each so many of them. */
  window?: number;
}

export interface Loaded {
  /** Answers by status, while measured. */
  statuses: Record<number, number>;
  /** Answers of the first status a second. */
  perSecond: number;
  /** Milliseconds, of answers of the first status. */
  p50: number;
  p99: number;
  /** Answers a second of each window, in order. */
  windows: number[];
  /** Of one core, that the load itself took. */
  cpu: number;
  /** Wrong answers, the first few in words. */
  wrong: number;
  errors: string[];
}

/** The process that asks: it has its own core where there is one, and its work is not measured with ours. */
export interface Load {
  run(asked: Asked): Promise<Loaded>;
  stop(): void;
}

export function startLoad(by: 'sockets' | 'autocannon'): Load {
  let child: ChildProcess | undefined;
  return {
    async run(asked) {
      child ??= fork(join(import.meta.dirname, 'load-process.ts'), [by], { stdio: 'inherit' });
      child.send(asked);
      const ended = new AbortController();
      const [answer] = await Promise.race([
        once(child, 'message', { signal: ended.signal }),
        once(child, 'exit', { signal: ended.signal }).then(([code]) => {
          throw new Error(`the process that asks ended with ${code}`);
        }),
      ]).finally(() => ended.abort());
      const loaded = answer as Loaded;
      if (loaded.wrong > 0) throw new Error(`${loaded.wrong} wrong answers, such as: ${loaded.errors.join('; ')}`);
      return loaded;
    },
    stop: () => {
      child?.kill();
    },
  };
}
