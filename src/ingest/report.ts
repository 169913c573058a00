import type { Logger } from '../log.ts';
import { formatBytes, formatCount } from '../quantity.ts';
import type { ImportCounts } from './queries.ts';

/** The file that is being loaded. */
export interface LoadingFile {
  name: string;
  format: string;
  /** In bytes. */
  size: number;
  /** Where an earlier attempt stopped. */
  goingOnAt: string | undefined;
  /** Of the size; null where the format does not tell. */
  bytesRead(): number | null;
}

/** To whom a load tells what it does. Names of files reach it, and nothing that stands in them. */
export interface Report {
  say(level: 'debug' | 'info' | 'warn' | 'error', file: string, text: string): void;
  begin(file: LoadingFile): void;
  progress(counts: ImportCounts): void;
  end(): void;
}

/** What could forge a line, or a terminal would take for a command. */
export const unprintable = /[\p{C}\p{Zl}\p{Zp}]/gu;

/** The name of a file, as it can be shown. */
export const shownName = (name: string) => name.replace(unprintable, '\uFFFD');

const progressEverySeconds = 5;

/** Tells it to the log. */
export function logReport(log: Logger): Report {
  let name = '';
  let said = 0;
  return {
    say: (level, file, text) => log[level](`${shownName(file)}: ${text}`),
    begin(file) {
      name = shownName(file.name);
      said = performance.now();
      const goingOn = file.goingOnAt === undefined ? '' : `, going on at ${file.goingOnAt}`;
      log.info(`${name}: loading (${file.format}, ${formatBytes(file.size)}${goingOn})`);
    },
    progress(counts) {
      if (performance.now() - said < progressEverySeconds * 1000) return;
      said = performance.now();
      log.info(`${name}: ${describe(counts)} so far`);
    },
    end() {},
  };
}

export function describe(counts: ImportCounts): string {
  const parts = (['read', 'added', 'changed', 'unchanged', 'rejected'] as const).map(
    (name) => `${formatCount(counts[name])} ${name}`,
  );
  if (counts.warned > 0) parts.push(`${formatCount(counts.warned)} ${counts.warned === 1 ? 'warning' : 'warnings'}`);
  return parts.join(', ');
}
