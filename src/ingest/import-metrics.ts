import { setTimeout as sleep } from 'node:timers/promises';
import { Counter, Gauge, type Registry } from 'prom-client';
import { createPool } from '../db/client.ts';
import { type ImportTotals, importTotals } from './import-queries.ts';
import type { ImportStatus } from './queries.ts';

const answersWithinMs = 2000;
const statuses: ImportStatus[] = ['queued', 'running', 'completed', 'failed', 'refused', 'unknown'];
const outcomes = ['added', 'changed', 'unchanged', 'rejected'] as const;

/** Since when something waits, in milliseconds since 1970; undefined where nothing does. */
export type WaitingSince = () => number | undefined;

export interface ImportMetrics {
  /** Has the lag regard what somebody loads or will load. */
  waits(since: WaitingSince): void;
  end(): Promise<void>;
}

/**
 * What imports did, of the whole installation: threads, other replicas and `claims import` all note it in the database,
 * and it is asked at each scrape. So all replicas tell the same, of which a query takes the maximum and not the sum. Where
 * the database does not answer in time these figures are missing, and no others.
 *
 * The lag is the process's own, as the database knows nothing of a file until its load begins, and when an upload that
 * had failed was first taken but not that it waits again.
 */
export function importMetrics(registry: Registry, databaseUrl: string): ImportMetrics {
  // A connection of its own: requests do not wait for the figures, nor the figures for requests, and it is no use of
  // theirs. While a question is not answered there is no other.
  const db = createPool(databaseUrl, 1, {
    name: 'metrics',
    statementTimeoutSeconds: answersWithinMs / 1000,
    maxWaiting: 1,
  });
  let asked: Promise<ImportTotals[] | undefined> | undefined;
  /** Once for all figures of a scrape. */
  const totals = () => {
    asked ??= Promise.race([
      db.run(importTotals).catch(() => undefined),
      sleep(answersWithinMs, undefined, { ref: false }),
    ]).finally(() => {
      asked = undefined;
    });
    return asked;
  };
  const registers = [registry];

  new Gauge({
    name: 'claims_api_imports',
    help: 'Imports, by what became of them',
    labelNames: ['status'],
    registers,
    async collect() {
      const found = await totals();
      this.reset();
      if (found === undefined) return;
      for (const status of statuses) this.set({ status }, 0);
      for (const { status, imports } of found) this.set({ status }, imports);
    },
  });
  new Counter({
    name: 'claims_api_import_records_total',
    help: 'Records that imports read, by what became of them',
    labelNames: ['outcome'],
    registers,
    async collect() {
      const found = await totals();
      this.reset();
      if (found === undefined) return;
      for (const outcome of outcomes) this.inc({ outcome }, sum(found, outcome));
    },
  });
  new Counter({
    name: 'claims_api_import_seconds_total',
    help: 'Time spent loading, over all imports and attempts',
    registers,
    async collect() {
      const found = await totals();
      this.remove();
      if (found) this.inc(sum(found, 'milliseconds') / 1000);
    },
  });
  new Gauge({
    name: 'claims_api_import_last_completed_timestamp_seconds',
    help: 'When the last import was completed; missing before the first',
    registers,
    async collect() {
      const found = await totals();
      const completed = found?.find(({ status }) => status === 'completed');
      this.remove();
      if (completed?.lastEnded) this.set(completed.lastEnded);
    },
  });

  const sources: WaitingSince[] = [];
  new Gauge({
    name: 'claims_api_import_lag_seconds',
    help: 'How long the oldest file or upload that is not loaded yet has waited for this replica; 0 where none does',
    registers,
    collect() {
      const now = Date.now();
      this.set(Math.max(0, ...sources.map((since) => now - (since() ?? now))) / 1000);
    },
  });

  return { waits: (since) => void sources.push(since), end: () => db.end() };
}

function sum(totals: ImportTotals[], what: (typeof outcomes)[number] | 'milliseconds'): number {
  return totals.reduce((sum, row) => sum + row[what], 0);
}
