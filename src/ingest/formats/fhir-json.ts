import { Fault } from '../../claims/render.ts';

export type Json = string | number | boolean | null | Json[] | { [name: string]: Json };
export type JsonObject = { [name: string]: Json };

/**
 * The object of a JSON text. A number that a double does not give back digit by digit (12.10, 1e400, twenty digits)
 * stays the text it was. Throws Fault where it is no JSON object.
 */
export function parseResource(text: string): JsonObject {
  let value: Json;
  try {
    value = JSON.parse(text, exactly) as Json;
  } catch {
    throw new Fault('resource', 'expected a JSON object, found text that is not valid JSON');
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new Fault('resource', 'expected a JSON object, found another JSON value');
  }
  return value;
}

function exactly(_name: string, value: unknown, context?: { source?: string }): unknown {
  if (typeof value !== 'number' || context?.source === undefined) return value;
  return String(value) === context.source ? value : context.source;
}

export const objectOf = (value: Json | undefined): JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? value : {};

export const listOf = (value: Json | undefined): JsonObject[] => (Array.isArray(value) ? value.map(objectOf) : []);

/** Undefined where it is no text; at most so long. */
export function textOf(value: Json | undefined, maxLength: number): string | undefined {
  if (typeof value !== 'string' && typeof value !== 'number') return undefined;
  return String(value).trim().slice(0, maxLength) || undefined;
}
