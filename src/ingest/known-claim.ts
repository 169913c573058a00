import type { Claim } from '../claims/schema.ts';

/** A claim as it is stored, back from its document and source. */
export function parseClaim({ document, source }: { document: string; source: string | null }): Claim {
  const { id: _, ...claim } = JSON.parse(document) as Claim & { id: string };
  return source === null ? claim : { ...claim, source: JSON.parse(source) };
}
