import { claimId } from '../claims/identity.ts';
import {
  applyEnding,
  applyReport,
  applySubmission,
  endingBy,
  endsOthers,
  payerClaimNumber,
  submissionOf,
  takeOver,
  voids,
} from '../claims/lifecycle.ts';
import type { Message, Report, Submission } from '../claims/messages.ts';
import { npiSystem, taxIdSystem } from '../claims/provider-system.ts';
import { Fault, renderClaim } from '../claims/render.ts';
import type { Claim } from '../claims/schema.ts';
import type { Sql } from '../db/client.ts';
import { type RowStore, type StoredRow, storedText } from './copy.ts';
import type { Reject } from './format.ts';
import { parseClaim } from './known-claim.ts';
import { type MessageBatch, messageNumber, type PositionedMessage } from './message-batch.ts';
import * as queries from './message-queries.ts';
import { knownHashes } from './queries.ts';

/** A claim as it is stored or staged; one that is not there yet has no hash. */
class State {
  readonly id: string;
  #row: StoredRow | queries.KnownClaim | undefined;
  #claim: Claim | undefined;

  constructor(id: string, row?: StoredRow | queries.KnownClaim) {
    this.id = id;
    this.#row = row;
  }

  get hash(): string | undefined {
    return this.#row?.hash;
  }

  get claim(): Claim | undefined {
    if (this.#row) this.#claim ??= parseClaim('tuple' in this.#row ? storedText(this.#row) : this.#row);
    return this.#claim;
  }

  /** The row alone is kept, as thousands of claims as objects take a hundred megabytes; few are asked for again. */
  become(row: StoredRow): void {
    this.#row = row;
    this.#claim = undefined;
  }
}

interface Sink {
  /** Makes these rows, no two of an id, the current states: of new claims, and of others. */
  write(added: StoredRow[], others: StoredRow[]): Promise<void>;
  reject(reject: Reject): void;
  store: RowStore;
  importId: string;
  /** Taken to hold of submissions that name no other claim: then they are not looked up, and writing fails where it does not. */
  allNew: boolean;
  /** All is taken back in the end, so nobody else is to wait for it. */
  isTrial: boolean;
}

/**
 * Applies messages to the claims that they are about, in a transaction: each state a claim comes to is written, also
 * where several messages of a batch are about one claim. Returns how many messages changed nothing.
 */
export async function applyMessages(tx: Sql, batch: MessageBatch, sink: Sink): Promise<number> {
  const { messages } = batch;
  const allFresh = messages.every(({ fresh }) => fresh);
  const lock = sink.isTrial ? undefined : allFresh ? 'shared' : 'alone';
  const claims = await KnownClaims.load(tx, batch, { lock, allNew: sink.allNew && allFresh });
  const added = new Map<string, StoredRow>();
  const others = new Map<string, StoredRow>();
  let unchanged = 0;
  const flush = async () => {
    await sink.write([...added.values()], [...others.values()]);
    added.clear();
    others.clear();
  };
  for (const waiting of messages) {
    const { message: read, position, brought, fresh, ids } = waiting;
    if (claims.sentBefore.has(waiting)) {
      unchanged += 1;
      continue;
    }
    try {
      if (fresh && ids.every((id) => claims.isUnheardOf(id))) {
        added.set(fresh.id, fresh);
        claims.add(fresh);
        continue;
      }
      const message = read();
      let anyChange = false;
      for (const { state, claim, absorbed } of claims.after(message)) {
        const rendered = renderClaim(claim, brought);
        if (rendered.hash === state.hash) continue;
        const row = sink.store.add(rendered);
        anyChange = true;
        if (added.has(row.id) || others.has(row.id) || absorbed.length > 0) await flush();
        for (const ended of absorbed) {
          await queries.endClaim(tx, ended.id, sink.importId, brought);
          claims.forget(ended);
        }
        (state.hash === undefined ? added : others).set(row.id, row);
        claims.update(state, claim, row);
      }
      if (!anyChange) unchanged += 1;
    } catch (error) {
      if (!(error instanceof Fault)) throw error;
      sink.reject({ position, claim: messageNumber(read()), field: error.field, reason: error.reason });
    }
  }
  await flush();
  await queries.insertAwaitedOriginals(tx, claims.awaited);
  return unchanged;
}

interface Change {
  state: State;
  claim: Claim;
  /** Claims that are no claims of their own, as is known now, and end. */
  absorbed: State[];
}

/** The claims that a batch of messages may be about, as they stand while it is applied. */
class KnownClaims {
  readonly #byId = new Map<string, State>();
  readonly #byPayerNumber = new Map<string, Set<State>>();
  /** Of providers that reports name by their tax number alone. */
  readonly #npis = new Map<string, string[]>();
  /**
   * Submissions whose claims stand as these alone make them, and that no other submission of the batch is about. Their
   * claims are not even fetched: of what is sent again each day, most is the same.
   */
  readonly sentBefore = new Set<PositionedMessage>();
  /** Originals that messages of the batch name and that are not there. */
  readonly awaited: queries.AwaitedOriginal[] = [];
  /** The claims that wait for an original, by its payer's number, and by the id that its provider's number gives. */
  readonly #waiting = new Map<string, Set<State>>();

  private constructor(npis: { taxId: string; npi: string }[]) {
    for (const { taxId, npi } of npis) this.#npis.set(taxId, [...(this.#npis.get(taxId) ?? []), npi]);
  }

  /**
   * What does not depend on an answer is asked at once, as the connection answers in turn: the reader of the file keeps
   * each answer waiting.
   */
  static async load(
    tx: Sql,
    batch: MessageBatch,
    { lock, allNew }: { lock: 'shared' | 'alone' | undefined; allNew: boolean },
  ): Promise<KnownClaims> {
    const { messages, numbers, reportedTaxIds, underTaxIds } = batch;
    const locked = lock && queries.lockMessages(tx, lock);
    const inserted = queries.insertProviders(tx, batch.providers);
    const found =
      reportedTaxIds.size > 0 && Promise.all([locked, inserted, queries.findProviders(tx, [...reportedTaxIds])]);
    const claims = new KnownClaims(found ? (await found)[2] : []);
    const mentions = claims.#mentions(batch);
    const others = allNew ? [] : [...mentions.keys()].filter((id) => !underTaxIds.has(id));
    const [, , hashes, ofOthers, originals] = await Promise.all([
      locked,
      inserted,
      queries.knownUnderTaxIds(tx, [...underTaxIds]),
      knownHashes(tx, others),
      queries.findAwaitedOriginals(tx, [...mentions.keys()], [...numbers]),
    ]);
    for (const [id, hash] of ofOthers) hashes.set(id, hash);
    for (const message of messages) {
      const { fresh, ids } = message;
      if (fresh === undefined || hashes.get(fresh.id) !== fresh.hash || mentions.get(fresh.id) !== 1) continue;
      if (ids.some((id) => id !== fresh.id && hashes.has(id))) continue;
      claims.sentBefore.add(message);
      hashes.delete(fresh.id);
    }
    if (hashes.size > 0 || numbers.size > 0) {
      for (const row of await queries.lockClaims(tx, [...hashes.keys()], [...numbers])) claims.#know(row);
    }
    const further = [...claims.#byPayerNumber.keys()].filter((number) => !numbers.has(number));
    if (further.length > 0) originals.push(...(await queries.findAwaitedOriginals(tx, [], further)));
    const unknown = originals.map(({ awaitedBy }) => awaitedBy).filter((id) => !claims.#byId.has(id));
    if (unknown.length > 0) for (const row of await queries.lockClaims(tx, unknown, [])) claims.#know(row);
    for (const original of originals) claims.#await(original);
    return claims;
  }

  /** Those of the batch, and those of reports under the NPIs that their providers' tax numbers stand for. */
  #mentions({ messages, mentions }: MessageBatch): Map<string, number> {
    if (this.#npis.size === 0) return mentions;
    const all = new Map(mentions);
    for (const { message: read, fresh, taxId } of messages) {
      if (fresh || taxId === undefined) continue;
      const message = read();
      if (message.kind === 'submission') continue;
      for (const id of this.#byNpi(message).map(claimId)) all.set(id, (all.get(id) ?? 0) + 1);
    }
    return all;
  }

  #know(row: queries.KnownClaim): void {
    const state = new State(row.id, row);
    this.#byId.set(row.id, state);
    this.#number(state, row.payerClaimNumber ?? undefined);
  }

  #await({ payerClaimNumber, id, awaitedBy }: queries.AwaitedOriginal): void {
    const state = this.#byId.get(awaitedBy);
    if (state === undefined) return;
    for (const key of [payerClaimNumber, id]) this.#waiting.set(key, (this.#waiting.get(key) ?? new Set()).add(state));
  }

  update(state: State, claim: Claim, row: StoredRow): void {
    state.become(row);
    this.#number(state, payerClaimNumber(claim));
  }

  #number(state: State, number: string | undefined): void {
    if (number === undefined) return;
    const same = this.#byPayerNumber.get(number) ?? new Set();
    same.add(state);
    this.#byPayerNumber.set(number, same);
  }

  isUnheardOf(id: string): boolean {
    return !this.#byId.has(id) && !this.#waiting.has(id);
  }

  add(row: StoredRow): void {
    this.#byId.set(row.id, new State(row.id, row));
  }

  forget(state: State): void {
    this.#byId.delete(state.id);
    for (const states of this.#byPayerNumber.values()) states.delete(state);
  }

  /** What the message makes of the claims that it is about. */
  after(message: Message): Change[] {
    const changes = message.kind === 'submission' ? this.#afterSubmission(message) : [this.#afterReport(message)];
    return changes.map((change) => this.#endedByWaiting(change));
  }

  /** A claim may be the original that replacements and voids wait for, which were loaded before it. */
  #endedByWaiting(change: Change): Change {
    const { state } = change;
    let { claim } = change;
    const number = payerClaimNumber(claim);
    const waiting = new Set([...(this.#waiting.get(state.id) ?? []), ...(this.#waiting.get(number ?? '') ?? [])]);
    const absorbed = [...change.absorbed];
    for (const other of waiting) {
      if (other === state || other.claim === undefined || !this.#byId.has(other.id)) continue;
      const { frequency, date, claim: ending } = submissionOf(other.claim, undefined);
      if (ending.provider?.id !== claim.provider?.id) continue;
      claim = applyEnding(claim, { status: endingBy(frequency), date, by: ending.identifier });
      // A void that names another claim is about that one alone: it stood for itself only as long as that was not there.
      if (frequency === voids) absorbed.push(other);
    }
    return { ...change, claim, absorbed };
  }

  #afterSubmission(submission: Submission): Change[] {
    const { claim, original, frequency, date } = submission;
    const own = this.#state(claim.identifier);
    const changes: Change[] = [];
    const replaced = original === undefined ? undefined : this.#original(submission, original, own);
    if (replaced?.claim) {
      changes.push({
        state: replaced,
        claim: applyEnding(replaced.claim, { status: endingBy(frequency), date, by: claim.identifier }),
        absorbed: [],
      });
      // A void that names another claim is about that one alone.
      if (frequency === voids) return changes;
    } else if (original !== undefined && original !== claim.identifier.value && endsOthers(frequency)) {
      const id = claimId({ system: claim.identifier.system, value: original });
      const awaited = { payerClaimNumber: original, id, awaitedBy: own.id };
      this.awaited.push(awaited);
      this.#await(awaited);
    }
    const { taxId } = submission;
    const provisional =
      taxId === undefined
        ? undefined
        : this.#byId.get(claimId({ system: taxIdSystem(taxId), value: claim.identifier.value }));
    const same = provisional === own ? undefined : provisional;
    const after = applySubmission(own.claim, submission);
    const claimAfter = same?.claim ? takeOver(after, same.claim) : after;
    return [...changes, { state: own, claim: claimAfter, absorbed: same ? [same] : [] }];
  }

  /** The claim that a replacement or a void names, by the payer's number; some name it by the provider's. */
  #original(submission: Submission, number: string, own: State): State | undefined {
    if (!endsOthers(submission.frequency)) return undefined;
    const { identifier, provider } = submission.claim;
    for (const state of this.#byPayerNumber.get(number) ?? []) {
      if (state !== own && state.claim?.provider?.id === provider?.id) return state;
    }
    const state = this.#byId.get(claimId({ system: identifier.system, value: number }));
    return state === own ? undefined : state;
  }

  #afterReport(report: Report): Change {
    const identifiers = [...this.#byNpi(report), ...report.identifiers];
    const ids = identifiers.map(claimId);
    const named = ids.map((id) => this.#byId.get(id)).find((known) => known?.claim);
    const number = named?.claim && payerClaimNumber(named.claim);
    // Some payers give several claims one number: then it does not tell them apart, and the provider's does.
    const isNamed = named && (number === undefined || number === report.payerClaimNumber);
    const state =
      (isNamed ? named : (this.#numbered(report, identifiers) ?? named)) ??
      this.#state(identifiers[0] as Claim['identifier']);
    const claim = applyReport(state.claim, report, identifiers[0] as Claim['identifier']);
    if (claim === undefined) {
      throw new Fault('claim', 'expected a claim that is known, or a service date to make one of; found neither');
    }
    return { state, claim, absorbed: [] };
  }

  /** The claim that the payer gave this number: payers number alike, so something else must agree. */
  #numbered(report: Report, identifiers: Claim['identifier'][]): State | undefined {
    if (report.payerClaimNumber === undefined) return undefined;
    for (const state of this.#byPayerNumber.get(report.payerClaimNumber) ?? []) {
      const { claim } = state;
      if (claim === undefined || isOfAnother(report.draft?.patient, claim.patient)) continue;
      const systems = identifiers.map(({ system }) => system);
      if (systems.includes(claim.identifier.system)) return state;
      if (report.payer?.id !== undefined && claim.insurer?.id === report.payer.id) return state;
      if (claim.identifier.value === identifiers[0]?.value) return state;
    }
    return undefined;
  }

  /** The numbers that the claim may have where the provider is named by its tax number alone. */
  #byNpi({ taxId, identifiers }: Report): Claim['identifier'][] {
    const value = identifiers[0]?.value;
    if (taxId === undefined || value === undefined) return [];
    return (this.#npis.get(taxId) ?? []).map((npi) => ({ system: npiSystem(npi), value }));
  }

  #state(identifier: Claim['identifier']): State {
    const id = claimId(identifier);
    const state = this.#byId.get(id) ?? new State(id);
    this.#byId.set(id, state);
    return state;
  }
}

/** Names are spelt in several ways, and numbers written in several: of another patient both are others. */
function isOfAnother(patient: Claim['patient'] | undefined, known: Claim['patient']): boolean {
  const [family, knownFamily] = [patient?.name?.family, known.name?.family];
  if (patient === undefined || family === undefined || knownFamily === undefined) return false;
  // A dependent's number begins with that of the subscriber.
  const sameNumber = patient.id.startsWith(known.id) || known.id.startsWith(patient.id);
  return !sameNumber && family.toLowerCase() !== knownFamily.toLowerCase();
}
