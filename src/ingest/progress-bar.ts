import { formatBytes, formatCount, formatSeconds } from '../quantity.ts';
import type { ImportCounts } from './queries.ts';
import { type LoadingFile, type Report, shownName } from './report.ts';

const redrawMilliseconds = 200;
/** Before that, a rate is chance. */
const rateAfterSeconds = 2;
const barWidth = 20;

export interface ProgressState {
  file: string;
  size: number;
  bytesRead: number | null;
  /** Before this attempt. */
  bytesBefore: number;
  counts: Pick<ImportCounts, 'read' | 'rejected'> | undefined;
  recordsBefore: number;
  seconds: number;
}

/** A line of at most so many characters: what fits of bar, bytes, records, rejects, rate and time left. */
export function progressLine(state: ProgressState, width: number): string {
  const { file, size, bytesRead, bytesBefore, counts, recordsBefore, seconds } = state;
  const parts: string[] = [];
  const fraction = bytesRead === null || size === 0 ? undefined : Math.min(bytesRead / size, 1);
  if (fraction !== undefined && bytesRead !== null) {
    const full = Math.floor(fraction * barWidth);
    const percent = `${Math.floor(fraction * 100)}%`.padStart(4);
    parts.push(`[${'='.repeat(full)}${' '.repeat(barWidth - full)}]${percent}`);
    parts.push(`${formatBytes(bytesRead)} of ${formatBytes(size)}`);
  }
  parts.push(`${formatCount(counts?.read ?? 0)} records`);
  if (counts && counts.rejected > 0) parts.push(`${formatCount(counts.rejected)} rejected`);
  if (seconds >= rateAfterSeconds) {
    if (counts) parts.push(`${formatCount(Math.round((counts.read - recordsBefore) / seconds))}/s`);
    const rate = bytesRead === null ? 0 : (bytesRead - bytesBefore) / seconds;
    if (bytesRead !== null && rate > 0) parts.push(`${formatSeconds(Math.max(size - bytesRead, 0) / rate)} left`);
  }
  let line = shortened(file, Math.max(Math.floor(width / 3), 8));
  for (const part of parts) {
    if (line.length + 2 + part.length > width) break;
    line += `  ${part}`;
  }
  return line.slice(0, width);
}

function shortened(name: string, length: number): string {
  return name.length <= length ? name : `…${name.slice(1 - length)}`;
}

interface Terminal {
  write(text: string): unknown;
  columns?: number;
}

const eraseLine = '\r\x1b[K';

/** Tells it to a person at a terminal: a line of progress that is written over, and a line for each file that ended. */
export function terminalReport(terminal: Terminal, now: () => number = () => performance.now()): Report {
  let loading: { file: LoadingFile; started: number; bytesBefore: number | undefined } | undefined;
  let counts: ImportCounts | undefined;
  let recordsBefore: number | undefined;
  let timer: NodeJS.Timeout | undefined;

  const draw = () => {
    if (!loading) return;
    const bytesRead = loading.file.bytesRead();
    if (bytesRead !== null) loading.bytesBefore ??= bytesRead;
    const line = progressLine(
      {
        file: shownName(loading.file.name),
        size: loading.file.size,
        bytesRead,
        bytesBefore: loading.bytesBefore ?? 0,
        counts,
        recordsBefore: recordsBefore ?? 0,
        seconds: (now() - loading.started) / 1000,
      },
      (terminal.columns ?? 80) - 1,
    );
    terminal.write(eraseLine + line);
  };
  return {
    say(level, file, text) {
      if (level === 'debug') return;
      terminal.write(`${loading ? eraseLine : ''}${shownName(file)}: ${text}\n`);
      draw();
    },
    begin(file) {
      loading = { file, started: now(), bytesBefore: file.goingOnAt === undefined ? 0 : undefined };
      counts = undefined;
      recordsBefore = file.goingOnAt === undefined ? 0 : undefined;
      draw();
      timer = setInterval(draw, redrawMilliseconds).unref();
    },
    progress(total) {
      // The totals count what an earlier attempt did.
      recordsBefore ??= total.read;
      counts = total;
    },
    end() {
      clearInterval(timer);
      loading = undefined;
      terminal.write(eraseLine);
    },
  };
}
