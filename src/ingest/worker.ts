import { constants, setPriority } from 'node:os';
import { parentPort, Worker, workerData } from 'node:worker_threads';
import type { Config } from '../config.ts';
import { createLogger } from '../log.ts';
import { formats } from './formats/index.ts';
import type { ListedFile, LoadSummary } from './import-file.ts';
import { logReport } from './report.ts';

/** What a thread is to load, as it can be sent to it. */
export interface Work {
  files: ListedFile[];
  /** The name of one. */
  format?: string | undefined;
  source?: string | undefined;
  leaveBusy?: boolean;
}

interface WorkerData extends Work, Pick<Config, 'logLevel' | 'logFormat'> {
  databaseUrl: string;
}

export type LoadInWorker = (work: Work, signal: AbortSignal) => Promise<LoadSummary>;

/**
 * Loads files in a thread of its own, which runs the program's entry again: parsing does not hold up requests, and a
 * fault in it, or in a connection, does not end the service. Rejects with what the load threw.
 */
export function createWorkers(
  entry: URL,
  databaseUrl: string,
  { logLevel, logFormat }: Pick<Config, 'logLevel' | 'logFormat'>,
): LoadInWorker {
  return (work, signal) => {
    signal.throwIfAborted();
    const worker = new Worker(entry, {
      workerData: { ...work, databaseUrl, logLevel, logFormat } satisfies WorkerData,
    });
    // Whatever it is doing: each batch is a transaction.
    const stop = () => void worker.terminate();
    signal.addEventListener('abort', stop);
    return new Promise<LoadSummary>((resolve, reject) => {
      worker.once('message', resolve);
      worker.once('error', reject);
      worker.once('exit', () => reject(new Error('the loading thread ended early')));
    }).finally(() => signal.removeEventListener('abort', stop));
  };
}

/** What the thread does. */
export async function runWorker(): Promise<void> {
  const { databaseUrl, files, format, source, leaveBusy, ...logging } = workerData as WorkerData;
  setPriority(constants.priority.PRIORITY_BELOW_NORMAL); // On Linux of this thread alone: requests go first.
  const { loadListed } = await import('./scan.ts'); // What the service itself, which loads nothing, need not have.
  const summary = await loadListed(databaseUrl, files, {
    report: logReport(createLogger(logging)),
    format: formats.find(({ name }) => name === format),
    source,
    leaveBusy,
  });
  parentPort?.postMessage(summary satisfies LoadSummary);
}
