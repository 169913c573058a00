import { Fault } from '../../claims/render.ts';

const backslash = 0x5c;

/** Deeper values are no claims, and would take the stack of whoever writes them again. */
const maxDepth = 200;

/**
 * The value of a JSON text. Beyond JSON.parse, nothing of the text is lost: a number that a double does not give back
 * digit by digit (12.10, 1e400, twenty digits) stays the text it was, and an object that has a name twice is refused,
 * where JSON.parse keeps the last. Throws Fault.
 */
export function parseJson(text: string, field: string): unknown {
  const { names, inexact } = scan(text, field);
  let value: unknown;
  try {
    value = JSON.parse(inexact.length > 0 ? withTexts(text, inexact) : text);
  } catch {
    throw new Fault(field, 'expected a JSON object, found text that is not valid JSON');
  }
  // Every name has a colon behind it: fewer names in the value than in the text are names that stood there twice.
  if (countNames(value) !== names) throw new Fault(field, 'expected each name once in an object, found one again');
  return value;
}

interface Scan {
  names: number;
  /** Start and end of each number that is to stay text. */
  inexact: [start: number, end: number][];
}

function scan(text: string, field: string): Scan {
  const inexact: Scan['inexact'] = [];
  let names = 0;
  let depth = 0;
  for (let at = 0; at < text.length; at += 1) {
    switch (text.charCodeAt(at)) {
      case 0x22: // "
        at = stringEnd(text, at);
        break;
      case 0x3a: // :
        names += 1;
        break;
      case 0x7b: // {
      case 0x5b: // [
        depth += 1;
        if (depth > maxDepth) throw new Fault(field, `expected at most ${maxDepth} levels of objects and arrays`);
        break;
      case 0x7d: // }
      case 0x5d: // ]
        depth -= 1;
        break;
      case 0x2d: // -
      case 0x30: // 0 to 9
      case 0x31:
      case 0x32:
      case 0x33:
      case 0x34:
      case 0x35:
      case 0x36:
      case 0x37:
      case 0x38:
      case 0x39: {
        const end = numberEnd(text, at);
        if (!isExact(text, at, end)) inexact.push([at, end]);
        at = end - 1;
      }
    }
  }
  return { names, inexact };
}

/** The place of the quote that ends a string, or the end of the text, which JSON.parse complains of. */
function stringEnd(text: string, start: number): number {
  for (let end = text.indexOf('"', start + 1); end >= 0; end = text.indexOf('"', end + 1)) {
    if (text.charCodeAt(end - 1) !== backslash) return end;
    let before = end - 1;
    while (text.charCodeAt(before) === backslash) before -= 1;
    if ((end - before) % 2 === 1) return end;
  }
  return text.length;
}

/** Behind the characters that numbers are made of: digits, + - . e E. */
function numberEnd(text: string, start: number): number {
  let end = start + 1;
  for (; end < text.length; end += 1) {
    const character = text.charCodeAt(end);
    if (character >= 0x30 && character <= 0x39) continue;
    if (character !== 0x2e && character !== 0x2b && character !== 0x2d && (character | 0x20) !== 0x65) break;
  }
  return end;
}

const jsonNumber = /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$/;

/** Whether a double gives the number back as it is written. What is no number at all is left to JSON.parse. */
function isExact(text: string, start: number, end: number): boolean {
  if (end - start === 1) return true;
  const number = text.slice(start, end);
  return String(Number(number)) === number || !jsonNumber.test(number);
}

function withTexts(text: string, numbers: Scan['inexact']): string {
  let result = '';
  let from = 0;
  for (const [start, end] of numbers) {
    result += `${text.slice(from, start)}"${text.slice(start, end)}"`;
    from = end;
  }
  return result + text.slice(from);
}

function countNames(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 0;
  let count = 0;
  if (Array.isArray(value)) {
    for (const element of value) if (typeof element === 'object') count += countNames(element);
    return count;
  }
  for (const name in value) {
    count += 1;
    const part = (value as Record<string, unknown>)[name];
    if (typeof part === 'object') count += countNames(part);
  }
  return count;
}
