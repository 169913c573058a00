import { Compile } from 'typebox/compile';
import { Fault, isInOrder } from '../../claims/render.ts';
import { Claim } from '../../claims/schema.ts';
import type { Entry, Format, Resume } from '../format.ts';
import type { InputFile } from '../input.ts';
import { readLines } from '../lines.ts';
import { type Element, readElements } from './json-elements.ts';
import { headText, isFhir, isLines } from './json-head.ts';
import { parseJson } from './json-parse.ts';

/** The canonical claim as NDJSON, a claim a line: a line that is broken costs that claim alone. */
export const ndjson: Format = {
  name: 'ndjson',
  unit: 'line',
  rank: 1,
  detect: (head) => isLines(headText(head)) && isCanonical(headText(head)),
  async *read(file, resume) {
    for await (const lines of readLines(file, resume)) {
      for (const line of lines) {
        if (line.text.trim() === '') continue;
        const entry = line.fault
          ? { reject: { position: line.number, field: 'claim', reason: line.fault.reason } }
          : readClaim(line.text, line.number);
        yield { ...entry, resume: { offset: line.end, position: line.number } };
      }
    }
  },
};

/** The canonical claim as a JSON array, or as objects one after the other, however they are laid out. */
export const json: Format = {
  name: 'json',
  unit: 'element',
  rank: 1,
  detect: (head) => /^[[{]/.test(headText(head)) && isCanonical(headText(head)),
  read: readArray,
};

async function* readArray(file: InputFile, resume?: Resume): AsyncGenerator<Entry> {
  for await (const element of readElements(file, resume)) {
    yield { ...readElement(element), resume: { offset: element.end, position: element.number } };
  }
}

function readElement(element: Element) {
  if (element.fault === undefined) return readClaim(element.text, element.number);
  return { reject: { position: element.number, field: 'claim', reason: element.fault } };
}

const isCanonical = (head: string) =>
  head.includes('"identifier"') && head.includes('"billablePeriod"') && !isFhir(head);

/** Compiled for the first claim: a service that loads nothing starts without it. */
function late<T>(make: () => T): () => T {
  let made: T | undefined;
  return () => {
    made ??= make();
    return made;
  };
}

const whole = late(() => Compile(Claim));
/** Without names: typebox looks for each in a pattern of all that there are, which takes more than half of its time. */
const valuesAlone = late((): ReturnType<typeof whole> => {
  const open = JSON.stringify(Claim, (name, part) => (name === 'additionalProperties' ? undefined : part));
  return Compile(JSON.parse(open));
});

/** What is in order has no names but those of the schema. */
const isClaim = (value: Record<string, unknown>): value is Claim =>
  (isInOrder(value) ? valuesAlone() : whole()).Check(value);

/** A claim, or the reject that says why there is none. */
export type Read =
  | { claim: Claim; position: number }
  | { reject: { position: number; claim?: string; field: string; reason: string } };

/** The canonical claim as JSON text. */
export function readClaim(text: string, position: number): Read {
  let claim: string | undefined;
  try {
    // Both are of the service that wrote the file: the id follows from the identifier, and the day of change is the load's.
    const { id: _id, lastUpdated: _lastUpdated, ...value } = parse(text);
    if (typeof value.identifier === 'object' && value.identifier !== null) {
      const number = (value.identifier as { value?: unknown }).value;
      if (typeof number === 'string') claim = number.slice(0, 100);
    }
    if (!isClaim(value)) throw firstFault(value);
    return { claim: value, position };
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    return { reject: { position, ...(claim && { claim }), field: error.field, reason: error.reason } };
  }
}

function parse(text: string): Record<string, unknown> {
  const value = parseJson(text, 'claim');
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new Fault('claim', 'expected a JSON object, found another JSON value');
  }
  return value as Record<string, unknown>;
}

const amountFields = /(?:charge|allowed|paid|amount|patientResponsibility)$/;

function firstFault(value: unknown): Fault {
  const [error] = whole().Errors(value);
  if (error === undefined) return new Fault('claim', 'expected a claim');
  const path = error.instancePath.slice(1).replaceAll('/', '.');
  const params = error.params as {
    requiredProperties?: string[];
    additionalProperties?: string[];
    allowedValues?: unknown[];
  };
  const missing = params.requiredProperties?.[0];
  const unknown = params.additionalProperties?.[0];
  const field = [path, missing ?? (unknown && /^\w{1,40}$/.test(unknown) ? unknown : undefined)]
    .filter(Boolean)
    .join('.');
  if (missing) return new Fault(field, 'expected a value, found none');
  if (unknown || error.keyword === 'boolean')
    return new Fault(field || 'claim', 'expected no such field; what the claim has no field for stands under source');
  if (params.allowedValues) return new Fault(field, `expected one of ${params.allowedValues.join(', ')}`);
  if (amountFields.test(field)) return new Fault(field, 'expected dollars and cents as a string, such as "1234.50"');
  return new Fault(field || 'claim', error.message.replace(/^must /, 'expected it to '));
}
