import { claimId } from '../claims/identity.ts';
import { applySubmission, submissionOf } from '../claims/lifecycle.ts';
import type { Message } from '../claims/messages.ts';
import { isTaxIdSystem, taxIdSystem } from '../claims/provider-system.ts';
import { renderClaim } from '../claims/render.ts';
import type { Claim } from '../claims/schema.ts';
import { type RowStore, type StoredRow, storedText } from './copy.ts';
import { parseClaim } from './known-claim.ts';

/** A message as it waits in a batch. */
export interface PositionedMessage {
  position: number;
  message(): Message;
  /** As the history shows what brought a state, or ended it. */
  brought: string;
  /** What the message makes where nothing is known of its claim, as is mostly so; made while the database is at work. */
  fresh: StoredRow | undefined;
  /** Of all claims that the message names, each once. */
  ids: string[];
  taxId?: string | undefined;
}

/**
 * Messages that wait to be applied, with what is to be asked about them: gathered while the database is at work, as it
 * would wait for that.
 */
export class MessageBatch {
  readonly messages: PositionedMessage[] = [];
  /** How many messages name a claim of this id. */
  readonly mentions = new Map<string, number>();
  /** Those of these ids that are of claims whose provider is named by its tax number. */
  readonly underTaxIds = new Set<string>();
  /** Payers' numbers of claims. */
  readonly numbers = new Set<string>();
  /** The NPIs that submissions give for tax numbers, by which reports may name their providers. */
  readonly providers = new Map<string, { taxId: string; npi: string }>();
  /** Of reports whose providers are named by nothing else. */
  readonly reportedTaxIds = new Set<string>();

  /** Throws Fault where no row can be made of the claim that a message submits. */
  add(message: Message, unit: string, position: number, store: RowStore): void {
    const brought = describe(message, unit, position);
    const { taxId } = message;
    // The row alone waits: thousands of claims as objects would cost the collector more than they are worth.
    const fresh =
      message.kind === 'submission' && message.original === undefined
        ? store.add(renderClaim(applySubmission(undefined, message), brought))
        : undefined;
    const ids = this.#mention(message, fresh);
    this.messages.push({
      position,
      brought,
      ids,
      taxId,
      fresh,
      message: fresh ? restored(fresh, taxId) : () => message,
    });
    if (message.kind === 'submission') {
      const npi = message.claim.provider?.npi;
      if (taxId !== undefined && npi) this.providers.set(`${taxId} ${npi}`, { taxId, npi });
    } else if (taxId !== undefined) this.reportedTaxIds.add(taxId);
    if (fresh) return;
    const number = message.kind === 'submission' ? message.original : message.payerClaimNumber;
    if (number) this.numbers.add(number);
  }

  /** The ids that the message names, each once. */
  #mention(message: Message, fresh: StoredRow | undefined): string[] {
    const ids: string[] = [];
    for (const identifier of identifiersOf(message)) {
      const id = fresh && ids.length === 0 ? fresh.id : claimId(identifier);
      if (ids.includes(id)) continue;
      ids.push(id);
      this.mentions.set(id, (this.mentions.get(id) ?? 0) + 1);
      if (isTaxIdSystem(identifier.system)) this.underTaxIds.add(id);
    }
    return ids;
  }
}

/** A function of its own: made in the scope of another that holds the message, it would hold the message too. */
const restored = (row: StoredRow, taxId: string | undefined) => () => submissionOf(parseClaim(storedText(row)), taxId);

export const messageNumber = (message: Message) =>
  message.kind === 'submission' ? message.claim.identifier.value : message.identifiers[0]?.value;

/** As the history shows what brought a state, or ended it. */
function describe({ kind, reference, date }: Message, unit: string, position: number): string {
  return JSON.stringify({ type: kind, unit, position, ...(reference && { reference }), date });
}

/** Of a submission: the provider's number, under its NPI and its tax number, and the number of the claim that is replaced. */
function identifiersOf(message: Message): Claim['identifier'][] {
  if (message.kind !== 'submission') return message.identifiers;
  const { identifier } = message.claim;
  const { taxId, original } = message;
  return [
    identifier,
    ...(taxId ? [{ system: taxIdSystem(taxId), value: identifier.value }] : []),
    ...(original ? [{ system: identifier.system, value: original }] : []),
  ];
}
