import { parentPort, Worker, workerData } from 'node:worker_threads';
import type { Config } from '../config.ts';
import { createLogger } from '../log.ts';
import { DataDirectoryError, type LoadSummary, loadFiles } from './scan.ts';

interface Work extends Pick<Config, 'logLevel' | 'logFormat'> {
  databaseUrl: string;
  path: string;
}

type Outcome = { summary: LoadSummary } | { directoryError: string };

/**
 * Loads files in a thread of its own, which runs the program's entry again: parsing does not hold up requests, and a
 * fault in it, or in a connection, does not end the service. Rejects with what the load threw.
 */
export function loadInWorker(entry: URL, work: Work, signal: AbortSignal): Promise<LoadSummary> {
  const worker = new Worker(entry, { workerData: work });
  // Whatever it is doing: each batch is a transaction.
  const stop = () => void worker.terminate();
  signal.addEventListener('abort', stop);
  return new Promise<LoadSummary>((resolve, reject) => {
    worker.once('message', (outcome: Outcome) => {
      if ('summary' in outcome) resolve(outcome.summary);
      else reject(new DataDirectoryError(outcome.directoryError));
    });
    worker.once('error', reject);
    worker.once('exit', () => reject(new Error('the loading thread ended early')));
  }).finally(() => signal.removeEventListener('abort', stop));
}

/** What the thread does. */
export async function runWorker(): Promise<void> {
  const { databaseUrl, path, ...logging } = workerData as Work;
  try {
    const summary = await loadFiles(databaseUrl, path, createLogger(logging));
    parentPort?.postMessage({ summary } satisfies Outcome);
  } catch (error) {
    if (!(error instanceof DataDirectoryError)) throw error;
    parentPort?.postMessage({ directoryError: error.message } satisfies Outcome);
  }
}
