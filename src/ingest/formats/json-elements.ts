import { isUtf8 } from 'node:buffer';
import type { Resume } from '../format.ts';
import type { InputFile } from '../input.ts';
import { maxLineBytes } from '../lines.ts';

/** One top-level value of a file: an element of its array, or one of several objects in a row. */
export interface Element {
  text: string;
  /** From 1. */
  number: number;
  /** The offset behind the element. */
  end: number;
  /** Why the text is not to be read. */
  fault?: string;
}

const quote = 0x22;
const backslash = 0x5c;
const openers = new Set([0x7b, 0x5b]);
const closers = new Set([0x7d, 0x5d]);
const scalarStarts = new Set(Buffer.from('"-0123456789tfn'));
const between = new Set([0x20, 0x09, 0x0a, 0x0d, 0x2c]);

/**
 * Parts a JSON array, or a row of JSON objects, into its elements without reading it whole. Only brackets and strings
 * are looked at; whether an element is valid is for JSON.parse.
 */
export async function* readElements(
  file: InputFile,
  resume: Resume = { offset: 0, position: 0 },
  /** An array that is not the whole file. */
  inner?: PropertyArray,
): AsyncGenerator<Element> {
  const array = inner?.start ?? (await arrayStart(file));
  let number = resume.position;
  let base = Math.max(resume.offset, array ?? 0);
  let closed = array === undefined;
  let depth = 0;
  let inString = false;
  let escaped = false;
  /** Within a value of the array that is no object; it costs itself alone. */
  let scalar = false;
  let length = 0;
  let parts: Buffer[] = [];

  for await (const chunk of file.bytes(base)) {
    let from = depth > 0 ? 0 : -1;
    for (let at = 0; at < chunk.length; at += 1) {
      const byte = chunk[at] as number;
      if (inString) {
        if (escaped) escaped = false;
        else if (byte === backslash) escaped = true;
        else if (byte === quote) inString = false;
        continue;
      }
      if (depth === 0) {
        if (scalar) {
          if (byte === quote) inString = true;
          if (!between.has(byte) && byte !== 0x5d) continue;
          scalar = false;
          number += 1;
          yield { text: '', number, end: base + at, fault: 'expected a JSON object, found another JSON value' };
        }
        if (between.has(byte) || (base + at < 3 && byte >= 0x80)) continue;
        if (byte === 0x5d) {
          if (inner !== undefined) {
            const fault = await faultBehind(file, base + at + 1, inner.name);
            if (fault !== undefined) yield { text: '', number: number + 1, end: base + at, fault };
            return;
          }
          closed = true;
          continue;
        }
        if (!openers.has(byte)) {
          if (!closed && scalarStarts.has(byte)) {
            scalar = true;
            inString = byte === quote;
            continue;
          }
          number += 1;
          yield {
            text: '',
            number,
            end: base + at,
            fault: 'expected a JSON object, found something else; the rest cannot be read',
          };
          return;
        }
        from = at;
        depth = 1;
        continue;
      }
      if (byte === quote) inString = true;
      else if (openers.has(byte)) depth += 1;
      else if (closers.has(byte)) {
        depth -= 1;
        if (depth === 0) {
          number += 1;
          const part = chunk.subarray(from, at + 1);
          yield makeElement([...parts, part], length + part.length, number, base + at + 1);
          parts = [];
          length = 0;
          from = -1;
        }
      }
    }
    if (from >= 0) {
      if (length <= maxLineBytes) parts.push(chunk.subarray(from));
      length += chunk.length - from;
    }
    base += chunk.length;
  }
  if (depth > 0 || !closed) {
    const missing = depth > 0 ? 'the end of the object' : 'the ] that ends the array';
    yield { text: '', number: number + 1, end: base, fault: `expected ${missing}, found the end of the file` };
  }
}

/** The array that a property of the file's object holds. */
export interface PropertyArray {
  name: string;
  /** The offset behind its bracket. */
  start: number;
}

/** Finds the array wherever in the object it stands. */
export async function propertyArray(file: InputFile, name: string): Promise<PropertyArray | undefined> {
  let base = 0;
  let depth = 0;
  let inString = false;
  let escaped = false;
  let word = '';
  let last = '';
  for await (const chunk of file.bytes()) {
    for (let at = 0; at < chunk.length; at += 1) {
      const byte = chunk[at] as number;
      if (inString) {
        if (escaped) escaped = false;
        else if (byte === backslash) escaped = true;
        else if (byte === quote) {
          inString = false;
          last = word;
        } else if (depth === 1 && word.length <= name.length) word += String.fromCharCode(byte);
      } else if (byte === quote) {
        inString = true;
        word = '';
      } else if (openers.has(byte)) {
        if (depth === 1 && byte === 0x5b && last === name) return { name, start: base + at + 1 };
        depth += 1;
      } else if (closers.has(byte)) depth -= 1;
    }
    base += chunk.length;
  }
  return undefined;
}

/** What would be lost behind the array: the same property again, or more than the one object. */
async function faultBehind(file: InputFile, offset: number, name: string): Promise<string | undefined> {
  let depth = 1;
  let inString = false;
  let escaped = false;
  let word = '';
  for await (const chunk of file.bytes(offset)) {
    for (const byte of chunk) {
      if (inString) {
        if (escaped) escaped = false;
        else if (byte === backslash) escaped = true;
        else if (byte === quote) inString = false;
        else if (word.length <= name.length) word += String.fromCharCode(byte);
      } else if (depth === 0) {
        if (between.has(byte)) continue;
        return 'expected the end of the file behind its object, found more: write each object on a line of its own';
      } else if (byte === quote) {
        inString = true;
        word = '';
      } else if (byte === 0x3a && depth === 1 && word === name) {
        return `expected ${name} once in the object, found it again`;
      } else if (openers.has(byte)) depth += 1;
      else if (closers.has(byte)) depth -= 1;
    }
  }
  return undefined;
}

/** The offset behind the bracket of a file that is one array. */
async function arrayStart(file: InputFile): Promise<number | undefined> {
  let base = 0;
  for await (const chunk of file.bytes()) {
    const at = chunk.findIndex((byte, index) => !between.has(byte) && !(base + index < 3 && byte >= 0x80));
    if (at >= 0) return chunk[at] === 0x5b ? base + at + 1 : undefined;
    base += chunk.length;
  }
  return undefined;
}

function makeElement(parts: Buffer[], length: number, number: number, end: number): Element {
  if (length > maxLineBytes) {
    return { text: '', number, end, fault: `expected an object of at most ${maxLineBytes >> 20} MiB` };
  }
  const bytes = parts.length === 1 ? (parts[0] as Buffer) : Buffer.concat(parts);
  return isUtf8(bytes)
    ? { text: bytes.toString('utf8'), number, end }
    : { text: '', number, end, fault: 'expected UTF-8, found bytes that are not' };
}
