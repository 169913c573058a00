import type { StoredClaim } from './queries.ts';

/**
 * The bytes of answers, put together from those that the database sent: what is stored as it is served is not parsed,
 * nor made a string and UTF-8 again, which took half the time of a page.
 */

const comma = Buffer.from(',');
const pageStart = Buffer.from('{"claims":[');
const sourceStart = Buffer.from(',"source":');

/** A page of claims; `next` is the cursor of the one behind it. */
export function pageAnswer(claims: StoredClaim[], next: string | undefined): Buffer {
  const parts = [pageStart];
  for (const claim of claims) {
    if (parts.length > 1) parts.push(comma);
    addClaim(parts, claim);
  }
  parts.push(Buffer.from(`],"next":${next === undefined ? 'null' : `"${next}"`}}`));
  return Buffer.concat(parts);
}

export function claimAnswer(claim: StoredClaim): Buffer {
  const parts: Buffer[] = [];
  addClaim(parts, claim);
  return Buffer.concat(parts);
}

/** The document with what was not known when it was rendered, or is no part of it. */
function addClaim(parts: Buffer[], { document, source, updatedAt }: StoredClaim): void {
  parts.push(document.subarray(0, -1));
  if (source) parts.push(sourceStart, source);
  parts.push(lastUpdated(updatedAt));
}

let known = { stored: '', rendered: Buffer.from('') };

/** Of claims of one transaction, which mostly stand together, the times are the same. */
function lastUpdated(stored: string): Buffer {
  if (stored !== known.stored) known = { stored, rendered: Buffer.from(`,"lastUpdated":"${isoTime(stored)}"}`) };
  return known.rendered;
}

/** `2025-03-31 08:15:00.123456+00`, of which PostgreSQL leaves out zeros at the end, as `2025-03-31T08:15:00.123Z`. */
function isoTime(stored: string): string {
  const fraction = stored.slice(20, stored.indexOf('+', 19)).padEnd(3, '0').slice(0, 3);
  return `${stored.slice(0, 10)}T${stored.slice(11, 19)}.${fraction}Z`;
}
