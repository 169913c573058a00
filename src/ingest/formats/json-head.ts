/*
 * What the start of a JSON file tells of what it holds and how it is laid out.
 */

/** As text, without a byte order mark and what stands before the first sign. */
export const headText = (head: Buffer) =>
  head
    .toString('utf8')
    .replace(/^\ufeff/, '')
    .trimStart();

/**
 * Whether the objects are FHIR resources. Those that stand under the source of a claim are not: of all that a resource
 * or a claim can be, only the claim has a property of that name, and a type that is a text beside its billable period.
 */
export function isFhir(head: string): boolean {
  if (!/"resourceType"\s*:\s*"/.test(head)) return false;
  const names = firstNames(head);
  const isClaim = names.has('source') || (names.has('billablePeriod') && names.get('type') !== undefined);
  return names.has('resourceType') || !isClaim;
}

/** The names of the first object, each with its value where that is a text; as far as the start reaches. */
export function firstNames(head: string): Map<string, string | undefined> {
  const names = new Map<string, string | undefined>();
  const start = head.indexOf('{');
  let depth = 0;
  let name: string | undefined;
  const tokens = /"([^"\\]*(?:\\.[^"\\]*)*)"|[{}[\]:,]/gs;
  tokens.lastIndex = Math.max(start, 0);
  let last: string | undefined;
  for (let token = tokens.exec(head); token !== null; token = tokens.exec(head)) {
    const [sign, text] = token;
    if (sign === '{' || sign === '[') depth += 1;
    else if (sign === '}' || sign === ']') depth -= 1;
    if (depth === 0) break;
    if (depth > 1) continue;
    if (sign === ':') {
      name = last;
      if (name !== undefined) names.set(name, undefined);
    } else if (sign === ',') name = undefined;
    else if (text !== undefined && name !== undefined) names.set(name, text);
    last = text;
  }
  return names;
}

/**
 * Whether each line is an object. The first may be half of one, or so long that the start holds no more of the file:
 * what parts the others is still the end of the line.
 */
export function isLines(head: string): boolean {
  if (!head.startsWith('{')) return false;
  const [first = '', second] = head.split('\n', 2).map((line) => line.trim());
  if (second === undefined) return true;
  if (first === '{') return false;
  const whole = head.indexOf('\n', head.indexOf('\n') + 1) >= 0;
  return first.endsWith('}') || (second.startsWith('{') && (second.endsWith('}') || !whole));
}
