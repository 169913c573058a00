import { Fault } from '../../claims/render.ts';
import type { Entry, Format, Resume } from '../format.ts';
import type { InputFile } from '../input.ts';
import { readLines } from '../lines.ts';
import { claimOf } from './fhir-claim.ts';
import { entryKeys } from './fhir-codes.ts';
import { type JsonObject, listOf, objectOf, parseResource, textOf } from './fhir-json.ts';
import { type PropertyArray, propertyArray, readElements } from './json-elements.ts';
import { firstNames, headText, isFhir, isLines } from './json-head.ts';

/** FHIR R4 ExplanationOfBenefit, a resource a line (bulk export). Resources of other types are passed over. */
export const fhirNdjson: Format = {
  name: 'fhir-ndjson',
  unit: 'line',
  rank: 1,
  detect: (head) => {
    const text = headText(head);
    return isLines(text) && isFhir(text) && (!isBundle(text) || hasSecondLine(text));
  },
  async *read(file, resume) {
    let before = resume ?? { offset: 0, position: 0 };
    for await (const lines of readLines(file, resume)) {
      for (const line of lines) {
        if (line.text.trim() === '') continue;
        const entries = [...readResource(line.text, line.number, line.fault?.reason, new Map(), file.source)];
        yield* placed(entries, before, { offset: line.end, position: line.number });
        before = { offset: line.end, position: line.number };
      }
    }
  },
};

/** A resource, an array of resources, or a Bundle of any size. */
export const fhir: Format = {
  name: 'fhir',
  unit: 'element',
  rank: 1,
  detect: (head) => /^[[{]/.test(headText(head)) && isFhir(headText(head)),
  read: readDocument,
};

function isBundle(head: string): boolean {
  const names = firstNames(head);
  return names.get('resourceType') === 'Bundle' || names.has('entry');
}

/** A Bundle alone on its line can be of any size when it is read as a document. */
const hasSecondLine = (head: string) => /\n\s*\{/.test(head);

async function* readDocument(file: InputFile, resume?: Resume): AsyncGenerator<Entry> {
  const entries = (await isBundleFile(file)) ? await propertyArray(file, 'entry') : undefined;
  const bundled = entries === undefined ? new Map() : await resourcesOf(file, entries);
  let before = resume ?? { offset: 0, position: 0 };
  for await (const element of readElements(file, resume, entries)) {
    const read = [...readResource(element.text, element.number, element.fault, bundled, file.source)];
    yield* placed(read, before, { offset: element.end, position: element.number });
    before = { offset: element.end, position: element.number };
  }
}

/** Only behind the last of what a line or an element holds is there nothing of it left to read. */
function* placed(entries: Unplaced[], before: Resume, after: Resume): Generator<Entry> {
  for (const [index, entry] of entries.entries()) {
    yield { ...entry, resume: index < entries.length - 1 ? before : after } as Entry;
  }
}

async function isBundleFile(file: InputFile): Promise<boolean> {
  for await (const chunk of file.bytes()) return headText(chunk).startsWith('{') && isBundle(headText(chunk));
  return false;
}

const referred = /"resourceType"\s*:\s*"(?:Patient|Organization|Practitioner|Condition|Procedure)"/;
/** So many resources that claims refer to are kept; claims that refer to others have their numbers alone. */
const maxReferred = 100_000;

async function resourcesOf(file: InputFile, entries: PropertyArray): Promise<Map<string, JsonObject>> {
  const found = new Map<string, JsonObject>();
  let count = 0;
  for await (const { text, fault } of readElements(file, undefined, entries)) {
    if (fault !== undefined || !referred.test(text) || text.includes('"ExplanationOfBenefit"')) continue;
    try {
      const entry = parseResource(text);
      const { id, identifier, name, birthDate, gender, code } = objectOf(entry.resource);
      for (const key of entryKeys(entry)) {
        found.set(key, { id, identifier, name, birthDate, gender, code } as JsonObject);
      }
      count += 1;
    } catch (error) {
      // What is wrong with it is said when it is read.
      if (!(error instanceof Fault)) throw error;
    }
    if (count >= maxReferred) break;
  }
  return found;
}

type Unplaced = Entry extends infer E ? (E extends unknown ? Omit<E, 'resume'> : never) : never;

/** The claims of a resource, of the entry of a Bundle, or of a Bundle on a line. */
function* readResource(
  text: string,
  position: number,
  unreadable: string | undefined,
  bundled: ReadonlyMap<string, JsonObject>,
  source: string | undefined,
): Generator<Unplaced> {
  let claim: string | undefined;
  try {
    if (unreadable !== undefined) throw new Fault('resource', unreadable);
    let resource = parseResource(text);
    if (resource.resourceType === undefined && resource.resource !== undefined) resource = objectOf(resource.resource);
    if (resource.resourceType === 'Bundle') {
      const inside = new Map(
        listOf(resource.entry).flatMap((entry) => entryKeys(entry).map((key) => [key, objectOf(entry.resource)])),
      );
      for (const { resource: one } of listOf(resource.entry)) {
        yield* readResource(JSON.stringify(one ?? {}), position, undefined, inside, source);
      }
      return;
    }
    if (typeof resource.resourceType !== 'string') {
      throw new Fault('resourceType', 'expected a FHIR resource, found an object without its type');
    }
    if (resource.resourceType === 'OperationOutcome') {
      const reason =
        'an OperationOutcome tells what went wrong at the server: what was asked for may not be here whole';
      yield { warning: { position, field: 'resourceType', reason } };
    }
    if (resource.resourceType !== 'ExplanationOfBenefit') return;
    claim = textOf(objectOf(listOf(resource.identifier)[0]).value, 100) ?? textOf(resource.id, 100);
    const inexact: string[] = [];
    yield { claim: claimOf(resource, bundled, source, inexact), position };
    const [field] = inexact;
    if (field !== undefined) {
      const reason = `expected dollars and cents, found a fraction of a cent, ${inexact.length} times in this claim: such amounts stand under source alone`;
      yield { warning: { position, ...(claim && { claim }), field, reason } };
    }
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    yield { reject: { position, ...(claim && { claim }), field: error.field, reason: error.reason } };
  }
}
