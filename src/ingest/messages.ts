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
import * as queries from './queries.ts';

/** A message as it waits in a batch. */
export interface PositionedMessage {
  position: number;
  message(): Message;
  /** As the history shows what brought a state, or ended it. */
  brought: string;
  /** What the message makes where nothing is known of its claim, as is mostly so; made while the database is at work. */
  fresh?: StoredRow;
  /** Of all claims that a submission may be about. */
  ids?: string[];
  taxId?: string | undefined;
  /** Of a submission's provider. */
  npi?: string | undefined;
}

/** Throws Fault where no row can be made of the claim that a message submits. */
export function prepareMessage(message: Message, unit: string, position: number, store: RowStore): PositionedMessage {
  const brought = describe(message, unit, position);
  const { taxId } = message;
  if (message.kind !== 'submission') return { position, brought, taxId, message: () => message };
  const npi = message.claim.provider?.npi;
  const [, ...others] = submissionIdentifiers(message);
  if (message.original !== undefined) {
    const ids = [message.claim.identifier, ...others].map(claimId);
    return { position, brought, ids, taxId, npi, message: () => message };
  }
  // The row alone waits: thousands of claims as objects would cost the collector more than they are worth.
  const fresh = store.add(renderClaim(applySubmission(undefined, message), brought));
  const ids = [fresh.id, ...others.map(claimId)];
  return { position, brought, ids, taxId, npi, fresh, message: restored(fresh, taxId) };
}

/** A function of its own: made in the scope of another that holds the message, it would hold the message too. */
const restored = (row: StoredRow, taxId: string | undefined) => () => submissionOf(parseClaim(storedText(row)), taxId);

/** A claim as it is stored or staged; one that is not there yet has no hash. */
class State {
  readonly id: string;
  hash: string | undefined;
  readonly #stored: (() => { document: string; source: string | null }) | undefined;
  #claim: Claim | undefined;

  constructor(id: string, hash?: string, stored?: () => { document: string; source: string | null }) {
    this.id = id;
    this.hash = hash;
    this.#stored = stored;
  }

  get claim(): Claim | undefined {
    if (this.#claim === undefined && this.#stored) this.#claim = parseClaim(this.#stored());
    return this.#claim;
  }

  become(claim: Claim, hash: string): void {
    this.#claim = claim;
    this.hash = hash;
  }
}

interface Sink {
  /** Makes these rows, no two of an id, the current states: of new claims, and of others. */
  write(added: StoredRow[], others: StoredRow[]): Promise<void>;
  reject(reject: Reject): void;
  store: RowStore;
  importId: string;
  /** All is taken back in the end, so nobody else is to wait for it. */
  isTrial: boolean;
}

/**
 * Applies messages to the claims that they are about, in a transaction: each state a claim comes to is written, also
 * where several messages of a batch are about one claim. Returns how many messages changed nothing.
 */
export async function applyMessages(tx: Sql, messages: PositionedMessage[], sink: Sink): Promise<number> {
  if (!sink.isTrial) await queries.lockMessages(tx, messages.every(({ fresh }) => fresh) ? 'shared' : 'alone');
  const claims = await KnownClaims.load(tx, messages);
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
      if (fresh && ids?.every((id) => claims.isUnheardOf(id))) {
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
        claims.update(state, claim, row.hash);
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

export const messageNumber = (message: Message) =>
  message.kind === 'submission' ? message.claim.identifier.value : message.identifiers[0]?.value;

/** As the history shows what brought a state, or ended it. */
function describe({ kind, reference, date }: Message, unit: string, position: number): string {
  return JSON.stringify({ type: kind, unit, position, ...(reference && { reference }), date });
}

/** The provider's number, under its NPI and its tax number, and the number of the claim that is replaced. */
function submissionIdentifiers({ claim: { identifier }, taxId, original }: Submission): Claim['identifier'][] {
  return [
    identifier,
    ...(taxId ? [{ system: taxIdSystem(taxId), value: identifier.value }] : []),
    ...(original ? [{ system: identifier.system, value: original }] : []),
  ];
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
  readonly #npis: Map<string, string[]>;
  /**
   * Submissions whose claims stand as these alone make them, and that no other submission of the batch is about. Their
   * claims are not even fetched: of what is sent again each day, most is the same.
   */
  readonly sentBefore = new Set<PositionedMessage>();
  /** Originals that messages of the batch name and that are not there. */
  readonly awaited: queries.AwaitedOriginal[] = [];
  /** The claims that wait for an original, by its payer's number, and by the id that its provider's number gives. */
  readonly #waiting = new Map<string, Set<State>>();

  private constructor(npis: Map<string, string[]>) {
    this.#npis = npis;
  }

  static async load(tx: Sql, messages: PositionedMessage[]): Promise<KnownClaims> {
    const claims = new KnownClaims(await providers(tx, messages));
    const mentions = new Map<string, number>();
    const numbers = new Set<string>();
    for (const { message: read, ids, fresh } of messages) {
      for (const id of ids ?? claims.#identifiers(read()).map(claimId)) mentions.set(id, (mentions.get(id) ?? 0) + 1);
      if (fresh) continue;
      const message = read();
      const number = message.kind === 'submission' ? message.original : message.payerClaimNumber;
      if (number) numbers.add(number);
    }
    const hashes = await queries.knownHashes(tx, [...mentions.keys()]);
    for (const message of messages) {
      const { fresh, ids } = message;
      if (fresh === undefined || hashes.get(fresh.id) !== fresh.hash || mentions.get(fresh.id) !== 1) continue;
      if (ids?.some((id) => id !== fresh.id && hashes.has(id))) continue;
      claims.sentBefore.add(message);
      hashes.delete(fresh.id);
    }
    if (hashes.size > 0 || numbers.size > 0) {
      for (const row of await queries.lockClaims(tx, [...hashes.keys()], [...numbers])) claims.#know(row);
    }
    const originals = await queries.findAwaitedOriginals(
      tx,
      [...mentions.keys()],
      [...numbers, ...claims.#byPayerNumber.keys()],
    );
    const unknown = originals.map(({ awaitedBy }) => awaitedBy).filter((id) => !claims.#byId.has(id));
    if (unknown.length > 0) for (const row of await queries.lockClaims(tx, unknown, [])) claims.#know(row);
    for (const original of originals) claims.#await(original);
    return claims;
  }

  #know(row: queries.KnownClaim): void {
    const state = new State(row.id, row.hash, () => row);
    this.#byId.set(row.id, state);
    this.#number(state);
  }

  #await({ payerClaimNumber, id, awaitedBy }: queries.AwaitedOriginal): void {
    const state = this.#byId.get(awaitedBy);
    if (state === undefined) return;
    for (const key of [payerClaimNumber, id]) this.#waiting.set(key, (this.#waiting.get(key) ?? new Set()).add(state));
  }

  update(state: State, claim: Claim, hash: string): void {
    state.become(claim, hash);
    this.#number(state);
  }

  #number(state: State): void {
    const number = state.claim && payerClaimNumber(state.claim);
    if (number === undefined) return;
    const same = this.#byPayerNumber.get(number) ?? new Set();
    same.add(state);
    this.#byPayerNumber.set(number, same);
  }

  isUnheardOf(id: string): boolean {
    return !this.#byId.has(id) && !this.#waiting.has(id);
  }

  add(row: StoredRow): void {
    this.#byId.set(row.id, new State(row.id, row.hash, () => storedText(row)));
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
    const identifiers = this.#identifiers(report);
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

  /** Every number that the claim of a message may be stored under, the likeliest first. */
  #identifiers(message: Message): Claim['identifier'][] {
    if (message.kind === 'submission') return submissionIdentifiers(message);
    const { taxId, identifiers } = message;
    const value = identifiers[0]?.value;
    if (taxId === undefined || value === undefined) return identifiers;
    const byNpi = (this.#npis.get(taxId) ?? []).map((npi) => ({ system: npiSystem(npi), value }));
    return [...byNpi, ...identifiers];
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

/** Keeps the NPIs that submissions give for tax numbers, and finds those that reports need. */
async function providers(tx: Sql, messages: PositionedMessage[]): Promise<Map<string, string[]>> {
  const pairs = new Map<string, [taxId: string, npi: string]>();
  const wanted = new Set<string>();
  for (const { taxId, ids, npi } of messages) {
    if (taxId === undefined) continue;
    if (ids === undefined) wanted.add(taxId);
    else if (npi) pairs.set(`${taxId} ${npi}`, [taxId, npi]);
  }
  if (pairs.size > 0) {
    const sorted = [...pairs.values()].sort();
    await queries.insertProviders(
      tx,
      sorted.map(([taxId]) => taxId),
      sorted.map(([, npi]) => npi),
    );
  }
  const npis = new Map<string, string[]>();
  if (wanted.size === 0) return npis;
  for (const { taxId, npi } of await queries.findProviders(tx, [...wanted])) {
    npis.set(taxId, [...(npis.get(taxId) ?? []), npi]);
  }
  return npis;
}
