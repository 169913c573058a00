import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { inject, onTestFinished } from 'vitest';

export interface Program {
  child: ChildProcess;
  /** What it has written so far, to standard output and standard error. */
  output(): string;
  /** Resolves when a line that has this text was written; throws where the program ends before. */
  says(text: string): Promise<void>;
  /** Resolves with the exit status. */
  ended(): Promise<number | null>;
}

/** Runs the program as its users do, bundled and in a process of its own; killed when the test ends. */
export function runProgram(args: string[], env: Record<string, string>): Program {
  const child = spawn(process.execPath, [inject('program'), ...args], {
    env: { PATH: process.env.PATH ?? '', ...env },
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  const lines: string[] = [];
  const listeners = new Set<() => void>();
  for (const stream of [child.stdout, child.stderr]) {
    createInterface({ input: stream }).on('line', (line) => {
      lines.push(line);
      for (const listener of listeners) listener();
    });
  }
  const ended = once(child, 'close').then(([code]) => code as number | null);
  return {
    child,
    output: () => lines.join('\n'),
    says: (text) =>
      new Promise((resolve, reject) => {
        const look = () => {
          if (!lines.some((line) => line.includes(text))) return;
          listeners.delete(look);
          resolve();
        };
        listeners.add(look);
        look();
        ended.then(() => reject(new Error(`it ended without saying "${text}":\n${lines.join('\n')}`)));
      }),
    ended: () => ended,
  };
}
