/**
 * Where a reader stands in a list whose pages name only the page after them. The way back is the stack of cursors that
 * led here; the first page's is the empty one.
 */
export interface Position {
  cursor: string;
  /** The cursors of the pages before this one, first page first. Undefined after a link into the middle of a list. */
  earlier: readonly string[] | undefined;
}

export const firstPage: Position = { cursor: '', earlier: [] };

export function pageAfter(position: Position, next: string): Position {
  return { cursor: next, earlier: position.earlier && [...position.earlier, position.cursor] };
}

/** Undefined on the first page, and where the way here is not known. */
export function pageBefore(position: Position): Position | undefined {
  const cursor = position.earlier?.at(-1);
  return cursor === undefined ? undefined : { cursor, earlier: position.earlier?.slice(0, -1) };
}

export function pageNumber(position: Position): number | undefined {
  return position.earlier && position.earlier.length + 1;
}

/** From the address and from what the history entry held of the way there, which may be anything. */
export function restorePosition(cursor: string, earlier: unknown): Position {
  if (cursor === '') return firstPage;
  const known = Array.isArray(earlier) && earlier[0] === '' && earlier.every((entry) => typeof entry === 'string');
  return { cursor, earlier: known ? earlier : undefined };
}
