import { Fault } from '../../claims/render.ts';
import { parseJson } from './json-parse.ts';

export type Json = string | number | boolean | null | Json[] | { [name: string]: Json };
export type JsonObject = { [name: string]: Json };

/** The object of a JSON text, numbers as json-parse.ts keeps them. Throws Fault where it is no JSON object. */
export function parseResource(text: string): JsonObject {
  const value = parseJson(text, 'resource') as Json;
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new Fault('resource', 'expected a JSON object, found another JSON value');
  }
  return value;
}

export const objectOf = (value: Json | undefined): JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? value : {};

export const listOf = (value: Json | undefined): JsonObject[] => (Array.isArray(value) ? value.map(objectOf) : []);

/** Undefined where it is no text; at most so long. */
export function textOf(value: Json | undefined, maxLength: number): string | undefined {
  if (typeof value !== 'string' && typeof value !== 'number') return undefined;
  return String(value).trim().slice(0, maxLength) || undefined;
}
