import { createHmac, timingSafeEqual } from 'node:crypto';
import { isDate } from './date.ts';

/** The last claim of a page: the next one starts behind it. */
export interface Place {
  serviceDate: string;
  /** A whole number, as of claims.arrival. */
  arrival: string;
}

const signatureBytes = 16;
const wholeNumber = /^[1-9]\d{0,17}$/;

/**
 * Cursors are opaque to clients, and signed over the place and the question: one that was made up, or that belongs to
 * another sort or other filters, is told from a good one.
 */
export class Cursors {
  readonly #secret: Buffer;

  constructor(secret: Buffer) {
    this.#secret = secret;
  }

  /** The question is the sort and the filters, in any form that is the same for the same question. */
  encode(place: Place, question: string): string {
    const payload = Buffer.from(`${place.serviceDate}${place.arrival}`);
    return Buffer.concat([this.#sign(payload, question), payload]).toString('base64url');
  }

  /** Undefined where the cursor is not one of this service for this question. */
  decode(cursor: string, question: string): Place | undefined {
    const bytes = Buffer.from(cursor, 'base64url');
    const payload = bytes.subarray(signatureBytes);
    const signature = bytes.subarray(0, signatureBytes);
    if (payload.length === 0 || !timingSafeEqual(signature, this.#sign(payload, question))) return undefined;
    const text = payload.toString();
    const serviceDate = text.slice(0, 10);
    const arrival = text.slice(10);
    return isDate(serviceDate) && wholeNumber.test(arrival) ? { serviceDate, arrival } : undefined;
  }

  #sign(payload: Buffer, question: string): Buffer {
    return createHmac('sha256', this.#secret)
      .update(payload)
      .update(`\n${question}`)
      .digest()
      .subarray(0, signatureBytes);
  }
}
