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

/** How many requests came, in memory that the threads share. */
type RequestCount = Int32Array<SharedArrayBuffer>;

interface WorkerData extends Work, Pick<Config, 'logLevel' | 'logFormat'> {
  databaseUrl: string;
  requests: RequestCount;
}

export type LoadInWorker = (work: Work, signal: AbortSignal) => Promise<LoadSummary>;

export interface Workers {
  /**
   * Loads files in a thread of its own, which runs the program's entry again: parsing does not hold up requests, and a
   * fault in it, or in a connection, does not end the service. Rejects with what the load threw.
   */
  load: LoadInWorker;
  /** Told of each request that comes, to which loads then give way. */
  requested(): void;
}

export function createWorkers(
  entry: URL,
  databaseUrl: string,
  { logLevel, logFormat }: Pick<Config, 'logLevel' | 'logFormat'>,
): Workers {
  const requests: RequestCount = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT));
  const load: LoadInWorker = (work, signal) => {
    signal.throwIfAborted();
    const worker = new Worker(entry, {
      workerData: { ...work, databaseUrl, requests, logLevel, logFormat } satisfies WorkerData,
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
  return { load, requested: () => void Atomics.add(requests, 0, 1) };
}

/** So long after a request, in milliseconds, another one is taken to follow. */
const requestsFollow = 20;

/** Whether requests are coming. */
export function whileRequested(requests: RequestCount): () => boolean {
  let known = Atomics.load(requests, 0);
  let last = Number.NEGATIVE_INFINITY;
  return () => {
    const count = Atomics.load(requests, 0);
    if (count !== known) last = performance.now();
    known = count;
    return performance.now() - last < requestsFollow;
  };
}

/** What the thread does. */
export async function runWorker(): Promise<void> {
  const { databaseUrl, files, format, source, leaveBusy, requests, ...logging } = workerData as WorkerData;
  setPriority(constants.priority.PRIORITY_BELOW_NORMAL); // On Linux of this thread alone: requests go first.
  const { loadListed } = await import('./scan.ts'); // What the service itself, which loads nothing, need not have.
  const summary = await loadListed(databaseUrl, files, {
    report: logReport(createLogger(logging)),
    format: formats.find(({ name }) => name === format),
    source,
    leaveBusy,
    givesWay: whileRequested(requests),
  });
  parentPort?.postMessage(summary satisfies LoadSummary);
}
