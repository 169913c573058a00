import type { ClaimLoops, Level, Loop } from './x12-837.ts';
import type { Segment } from './x12-segment.ts';

/**
 * Segments as the file has them, by the loop they stand in: those that hold anything the claim has no field for. What
 * is of the whole transaction stands apart, as it is another when the same claim is sent again.
 */
export function untaken(loops: ClaimLoops): { segments?: Record<string, string[]>; header?: string[] } {
  const source: Record<string, string[]> = {};
  const keep = (place: string, { text }: Segment) => {
    const kept = source[place];
    if (kept) kept.push(text);
    else source[place] = [text];
  };
  const add = (place: string, segments: Segment[]) => {
    for (const segment of segments) if (segment.untaken) keep(place, segment);
  };
  const addLoops = (place: string, parties: Loop[]) => {
    for (const { nm1, segments } of parties) {
      const rest = segments.filter((segment) => segment.untaken);
      // Without its NM1 nobody could tell whose these are.
      if (nm1.untaken || rest.length > 0) keep(place, nm1);
      for (const segment of rest) keep(place, segment);
    }
  };
  const addLevel = (place: string, level: Level | undefined) => {
    if (level === undefined) return;
    add(place, level.segments);
    addLoops(place, level.loops);
  };
  addLevel('header', loops.header);
  const { header } = source;
  delete source.header;
  addLevel('2000A', loops.billing);
  addLevel('2000B', loops.subscriber);
  addLevel('2000C', loops.patient);
  if (loops.clm.untaken) keep('2300', loops.clm);
  add('2300', loops.segments);
  addLoops('2310', loops.loops);
  loops.others.forEach(({ sbr, segments, loops: parties }, index) => {
    add(`2320.${index + 1}`, [sbr, ...segments]);
    addLoops(`2330.${index + 1}`, parties);
  });
  loops.lines.forEach(({ lx, segments, loops: parties, decisions }, index) => {
    const place = `2400.${index + 1}`;
    if (lx.untaken) keep(place, lx);
    add(place, segments);
    addLoops(`2420.${index + 1}`, parties);
    for (const { svd, segments: rest } of decisions) add(`2430.${index + 1}`, [svd, ...rest]);
  });
  return { ...(Object.keys(source).length > 0 && { segments: source }), ...(header && { header }) };
}
