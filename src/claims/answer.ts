import { documentSeparator, type FoundClaim, type Page } from './queries.ts';

/**
 * The bytes of answers, put together from those that the database sent: what is stored as it is served is not parsed,
 * nor made a string and UTF-8 again, which took half the time of a page.
 */

const comma = ','.charCodeAt(0);
const pageStart = Buffer.from('{"claims":[');
const sourceStart = Buffer.from(',"source":');

/** `next` is the cursor of the page behind it. */
export function pageAnswer({ documents, updatedAt }: Page, next: string | undefined): Buffer {
  const pageEnd = `],"next":${next === undefined ? 'null' : `"${next}"`}}`;
  const most = pageStart.length + documents.length + updatedAt.length * mostBytesAdded + pageEnd.length;
  const answer = Buffer.allocUnsafe(most);
  let length = pageStart.copy(answer);
  let start = 0;
  for (const [index, time] of updatedAt.entries()) {
    if (index > 0) {
      answer[length] = comma;
      length += 1;
    }
    const separator = documents.indexOf(documentSeparator, start);
    const end = separator < 0 ? documents.length : separator;
    length += documents.copy(answer, length, start, end - 1);
    length += lastUpdated(time).copy(answer, length);
    start = end + 1;
  }
  length += answer.write(pageEnd, length, 'latin1');
  return answer.subarray(0, length);
}

/** The document with what was not known when it was rendered, or is no part of it. */
export function claimAnswer({ document, source, updatedAt }: FoundClaim): Buffer {
  const parts = [document.subarray(0, -1)];
  if (source) parts.push(sourceStart, source);
  parts.push(lastUpdated(updatedAt));
  return Buffer.concat(parts);
}

/** Between the documents of a page: a comma, and `lastUpdated` in the place of a brace. */
const mostBytesAdded = ',"lastUpdated":"2025-03-31T08:15:00.123Z"}'.length;

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
