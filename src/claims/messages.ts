import type { Claim, ClaimStatus } from './schema.ts';

/**
 * What changes a claim after it was made, or before it is known: X12 837, 835 and 277, and formats whose claims come in
 * parts. A claim is what its messages make of it, in the order of their dates, whatever the order they are loaded in.
 */
export type Message = Submission | Report;

interface Envelope {
  /** yyyy-mm-dd, of the message: the order of what it changes. */
  date: string;
  /** The sender's number of the message, as the history shows it: BHT03, TRN02. */
  reference?: string | undefined;
}

/** A claim as its provider sends it (837). */
export interface Submission extends Envelope {
  kind: 'submission';
  claim: Claim;
  /** NUBC claim frequency: 1 an original, 7 replaces and 8 voids the claim that `original` or the same number names. */
  frequency: string;
  /** The payer's number of the claim that is replaced or voided (REF*F8). */
  original?: string | undefined;
  /** The billing provider's tax number: remittances may name the provider by it alone. */
  taxId?: string | undefined;
}

/** What a payer says of a claim (835, 277), or what a further file holds of it. */
export interface Report extends Envelope {
  kind: 'remittance' | 'status' | 'ledger';
  /** The numbers under which the claim may be known, the likeliest first. */
  identifiers: { system: string; value: string }[];
  /** The payee's tax number, where it is not named by its NPI. */
  taxId?: string | undefined;
  payerClaimNumber?: string | undefined;
  payer?: { id?: string; name?: string } | undefined;
  /** The claim that the report alone makes, until the claim itself comes; without one, the report needs the claim. */
  draft?: Claim | undefined;
  status?: ClaimStatus | undefined;
  /** The parts of the claim that the report sets; items by sequence, or else by their service. */
  sets: Partial<Pick<Claim, 'statusCode' | 'total' | 'adjudication' | 'remark' | 'payment' | 'imbalance' | 'item'>>;
  /** What the claim has no field for. */
  source?: Record<string, unknown> | undefined;
}
