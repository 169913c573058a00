import { setImmediate } from 'node:timers/promises';
import type { Message } from '../claims/messages.ts';
import { Fault, renderClaim } from '../claims/render.ts';
import type { Claim } from '../claims/schema.ts';
import { type Connection, type Sql, transaction } from '../db/client.ts';
import { RowStore, type StoredRow } from './copy.ts';
import type { Entry, Format, Patient, Reject, Resume } from './format.ts';
import type { InputFile } from './input.ts';
import { parseClaim } from './known-claim.ts';
import { isRace, type Merging, merge, type SortedRows, sort } from './merge.ts';
import { MessageBatch, messageNumber } from './message-batch.ts';
import { applyMessages } from './messages.ts';
import * as patientQueries from './patient-queries.ts';
import type { ImportCounts } from './queries.ts';
import * as queries from './queries.ts';
import { foldTotalChanges, insertTotalChanges } from './total-queries.ts';
import { AddedTotals } from './totals.ts';

/**
 * A batch is written, in a transaction, as soon as the database is free and this much is read: enough to make COPY worth
 * it. The first one is small, so that the database need not wait long for it.
 */
const leastRecords = 2500;
const leastRecordsAtFirst = 500;
/**
 * While the database is not free, a batch grows up to here: of the more rows that are sorted by their days, the more of one
 * day lie beside each other (copy.ts). Two batches are held in memory.
 */
const mostRows = 12_500;
const mostBytes = 12 << 20;
/** Of records that are not rows, or may need claims that are there already: those take more memory. */
const mostObjects = 2500;
/**
 * After so many the connection is looked at, and what the database has answered is gone on with: it stands still from
 * then until it is asked for more. Only between two chunks of 64 kB, an import took a tenth longer.
 */
const recordsAnAnswer = 16;
/** Until a summary would have to add up more than some ten thousand rows. */
const batchesAFold = 100;

interface Batch {
  /** Ready to be copied. */
  rows: StoredRow[];
  store: RowStore;
  /** Claims whose rows cannot be made before it is known what is known of their patients. */
  claims: { claim: Claim; position: number }[];
  /** The systems of its claims, by their numbers there: to join the two for each claim took 2 % of an import. */
  numbers: Map<string, string[]>;
  messages: MessageBatch;
  patients: Map<string, Patient>;
  rejects: Reject[];
  warnings: Reject[];
  records: number;
  /** Of the file. */
  bytes: number;
  resume: Resume;
}

export interface ImportRun extends Merging {
  resume: Resume | null;
  progress(counts: ImportCounts): void;
  /** Of the file, read so far; null where the format does not tell. */
  bytesRead?(): number | null;
  /** In place of a transaction for each batch: a dry run has one around them all. */
  transaction?: typeof transaction;
}

/**
 * Reads a file into the database, a batch a transaction, each with the place to go on after it; while one is written, the
 * next is read, so that neither the reader nor the database stands still for the other. Throws Refusal where the file
 * cannot be read on; what was written until then stays. The connection is one that was made ready (queries.ts).
 */
export async function load(sql: Connection, file: InputFile, format: Format, run: ImportRun): Promise<void> {
  const anyPatients = await patientQueries.anyPatients(sql);
  const writer = new Writer(sql, format, run, anyPatients);
  let batch = emptyBatch(run.id, run.resume ?? { offset: 0, position: 0 });
  let enough = leastRecordsAtFirst;
  let writing: Promise<void> | undefined;
  let isFree = true;
  const write = async (goesOn: boolean) => {
    await writing;
    const full = batch;
    batch = emptyBatch(run.id, full.resume);
    enough = leastRecords;
    isFree = false;
    writing = writer
      .write(full)
      .then(() => {
        // Of many small files only the first one waits.
        if (goesOn) run.changes?.withdraw();
      })
      .finally(() => {
        isFree = true;
      });
    writing.catch(() => {}); // Thrown where it is awaited.
  };
  try {
    for await (const entry of format.read(file, run.resume ?? undefined)) {
      // A batch never holds a claim twice, so that each state of it is merged after the one before.
      if ((isFree && batch.records >= enough) || isFull(batch) || holds(batch, entry)) await write(true);
      add(batch, entry);
      if (batch.records % recordsAnAnswer === 0) await setImmediate();
      if ('claim' in entry) {
        // Here, and not when the batch is written: the database has the batch before this one to do meanwhile.
        if (anyPatients) batch.claims.push(entry);
        else render(entry, format.unit, batch);
      } else if ('message' in entry) prepare(entry, format.unit, batch);
    }
  } finally {
    if (batch.records > 0 || batch.warnings.length > 0) await write(false);
    await writing;
    await writer.end();
  }
}

const emptyBatch = (importId: string, resume: Resume): Batch => ({
  rows: [],
  store: new RowStore(importId),
  claims: [],
  numbers: new Map(),
  messages: new MessageBatch(),
  patients: new Map(),
  rejects: [],
  warnings: [],
  records: 0,
  bytes: 0,
  resume,
});

const isFull = ({ rows, records, bytes }: Batch) =>
  rows.length >= mostRows || records - rows.length >= mostObjects || bytes >= mostBytes;

const patientKey = (patient: { system: string; id: string }) => `${patient.system}\n${patient.id}`;

function holds(batch: Batch, entry: Entry): boolean {
  if ('claim' in entry) {
    const { system, value } = entry.claim.identifier;
    return batch.numbers.get(value)?.includes(system) ?? false;
  }
  return 'patient' in entry && batch.patients.has(patientKey(entry.patient));
}

function add(batch: Batch, entry: Entry): void {
  if (!('warning' in entry)) batch.records += 1;
  batch.bytes += Math.max(entry.resume.offset - batch.resume.offset, 0);
  batch.resume = entry.resume;
  if ('claim' in entry) {
    const { system, value } = entry.claim.identifier;
    const systems = batch.numbers.get(value);
    if (systems) systems.push(system);
    else batch.numbers.set(value, [system]);
  } else if ('patient' in entry) batch.patients.set(patientKey(entry.patient), entry.patient);
  else if ('warning' in entry) batch.warnings.push(entry.warning);
  else if ('reject' in entry) batch.rejects.push(entry.reject);
}

function lockOfPatients({ patients, numbers }: Batch): 'alone' | 'shared' | undefined {
  if (patients.size > 0) return 'alone';
  return numbers.size > 0 ? 'shared' : undefined;
}

class Writer {
  readonly #sql: Connection;
  readonly #format: Format;
  readonly #run: ImportRun;
  /** Whether claims come with what is known of their patients. */
  readonly #completed: boolean;
  /** Whether each record of the last batch was a new claim: then those of the next are taken to be, and only looked up where not. */
  #allNew = false;
  /** Batches whose changes of the totals are not folded. */
  #unfolded = 0;

  constructor(sql: Connection, format: Format, run: ImportRun, completed: boolean) {
    this.#sql = sql;
    this.#format = format;
    this.#run = run;
    this.#completed = completed;
  }

  async write(batch: Batch): Promise<void> {
    const started = performance.now();
    const isTrial = this.#run.transaction !== undefined;
    const lock = isTrial ? undefined : lockOfPatients(batch);
    const locked = lock && patientQueries.lockPatients(this.#sql, lock);
    // Another import may have brought them since this one began; while the lock is held, none does.
    const isAsked = batch.numbers.size > 0 && !this.#completed;
    const [patientsCame] = await Promise.all([isAsked && patientQueries.anyPatients(this.#sql), locked]);
    if (batch.claims.length > 0) {
      await addPatients(this.#sql, batch.claims);
      for (const entry of batch.claims) render(entry, this.#format.unit, batch);
    }

    // Of the rows that are made of what the database holds.
    const store = new RowStore(this.#run.id);
    const attempt = (allNew: boolean) =>
      (this.#run.transaction ?? transaction)(this.#sql, async (tx) => {
        const rejects = [...batch.rejects];
        const total = { ...noCounts };
        const totals = new AddedTotals();
        const write = async (rows: SortedRows) => {
          total.added += rows.added.length;
          const merging = merge(tx, rows, this.#run);
          totals.add(rows.added); // While the database is at work.
          total.changed += await merging;
        };
        const rows = allNew ? { added: batch.rows, others: [], unchanged: 0 } : await sort(tx, batch.rows);
        await write(rows);
        total.unchanged += rows.unchanged;
        if (batch.messages.messages.length > 0) {
          total.unchanged += await applyMessages(tx, batch.messages, {
            write: (added, others) => write({ added, others }),
            reject: (reject) => rejects.push(reject),
            store,
            importId: this.#run.id,
            allNew,
            isTrial,
          });
        }
        this.#allNew = total.added === batch.rows.length + batch.messages.messages.length;
        const patients =
          batch.patients.size > 0 ? await patientQueries.upsertPatients(tx, [...batch.patients.values()]) : [];
        total.changed += await rewriteClaims(tx, patients, this.#run);
        if (patientsCame) {
          const ids = batch.rows.map(({ id }) => id);
          await rewriteClaims(tx, await patientQueries.patientsOfClaims(tx, ids), this.#run);
        }
        const notTaken = [
          ...rejects.map((reject) => ({ ...reject, kind: 'reject' as const })),
          ...batch.warnings.map((warning) => ({ ...warning, kind: 'warning' as const })),
        ].sort((a, b) => a.position - b.position);
        await queries.insertRejects(tx, this.#run.id, this.#format.unit, notTaken);
        // Sent together, in this order.
        const counted = insertTotalChanges(tx, totals.changes());
        const advanced = queries.advanceImport(tx, this.#run.id, {
          read: batch.records,
          ...total,
          rejected: rejects.length,
          warned: batch.warnings.length,
          resume: batch.resume,
          bytesRead: this.#run.bytesRead?.() ?? null,
          seconds: (performance.now() - started) / 1000,
        });
        const raised = this.#run.changes?.raiseVersion();
        const [counts] = await Promise.all([advanced, counted, raised]);
        return counts;
      });
    let counts: ImportCounts | undefined;
    for (let races = 0; counts === undefined; ) {
      try {
        counts = await attempt(this.#allNew && races === 0);
      } catch (error) {
        races += 1;
        if (!isRace(error) || races > mostRaces) throw error;
      }
    }
    // Not waited for: what follows on the connection comes after it. After an error, the connection's end gives it back.
    if (lock) patientQueries.unlockPatients(this.#sql, lock).catch(() => {});
    batch.store.free();
    store.free();
    this.#run.progress(counts);
    this.#unfolded += 1;
    if (this.#unfolded === batchesAFold) await this.end();
  }

  /** Not in a trial, which would keep others from it until it is taken back. */
  async end(): Promise<void> {
    if (this.#unfolded === 0 || this.#run.transaction) return;
    await foldTotalChanges(this.#sql);
    this.#unfolded = 0;
  }
}

/** Makes the row of a claim; one that cannot be stored becomes a reject. */
function render({ claim, position }: { claim: Claim; position: number }, unit: string, batch: Batch): void {
  orReject(batch, position, claim.identifier.value, () => {
    const row = renderClaim(claim, `{"type":"claim","unit":"${unit}","position":${position}}`);
    batch.rows.push(batch.store.add(row));
  });
}

function prepare({ message, position }: { message: Message; position: number }, unit: string, batch: Batch): void {
  orReject(batch, position, messageNumber(message), () => {
    batch.messages.add(message, unit, position, batch.store);
  });
}

function orReject(batch: Batch, position: number, claim: string | undefined, make: () => void): void {
  try {
    make();
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    const { field, reason } = error;
    batch.rejects.push({ position, claim, field, reason });
  }
}

/** Each is lost to another import that went on by it: far more than load the same claims at once. */
const mostRaces = 50;

const noCounts = { added: 0, changed: 0, unchanged: 0 };

/** Adds to the claims what beneficiary files said of their patients. */
async function addPatients(sql: Sql, claims: Batch['claims']): Promise<void> {
  const idsBySystem = new Map<string, Set<string>>();
  for (const { claim } of claims) {
    const { system, id } = claim.patient;
    if (system === undefined) continue;
    const ids = idsBySystem.get(system) ?? new Set();
    ids.add(id);
    idsBySystem.set(system, ids);
  }
  const known = new Map<string, patientQueries.KnownPatient>();
  for (const [system, ids] of idsBySystem) {
    for (const patient of await patientQueries.findPatients(sql, system, [...ids]))
      known.set(patientKey(patient), patient);
  }
  for (const { claim } of claims) {
    const patient =
      claim.patient.system && known.get(patientKey({ system: claim.patient.system, id: claim.patient.id }));
    if (patient) complete(claim, patient);
  }
}

function complete({ patient }: Claim, known: patientQueries.KnownPatient): void {
  if (known.birthDate) patient.birthDate = known.birthDate;
  if (known.gender) patient.gender = known.gender;
}

/** Renders anew the claims of patients of whom something else is known now. Returns how many claims changed. */
async function rewriteClaims(tx: Sql, patients: patientQueries.KnownPatient[], run: ImportRun): Promise<number> {
  const known = new Map(patients.map((patient) => [patientKey(patient), patient]));
  const ids = patients.map(({ id }) => id);
  let changed = 0;
  let after = '00000000-0000-0000-0000-000000000000';
  while (ids.length > 0) {
    const page = await patientQueries.claimsOfPatients(tx, ids, after, mostObjects);
    const last = page.at(-1);
    if (last === undefined) break;
    after = last.id;
    const store = new RowStore(run.id);
    const rows: StoredRow[] = [];
    for (const row of page) {
      const claim = parseClaim(row);
      const { system, id } = claim.patient;
      const patient = system && known.get(patientKey({ system, id }));
      if (!patient) continue;
      complete(claim, patient);
      rows.push(store.add(renderClaim(claim)));
    }
    changed += await merge(tx, { added: [], others: rows }, run);
    store.free();
  }
  return changed;
}
