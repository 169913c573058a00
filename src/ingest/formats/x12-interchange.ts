import { isAscii, isUtf8 } from 'node:buffer';
import { Refusal } from '../format.ts';
import type { InputFile } from '../input.ts';
import { Segment, type Separators } from './x12-segment.ts';

/** X12.5: the ISA segment is of fixed length, and shows by where its separators stand what they are. */
const isaLength = 106;
const isaSeparatorsAt = [3, 6, 17, 20, 31, 34, 50, 53, 69, 76, 81, 83, 89, 99, 101, 103];
const maxSegmentBytes = 1 << 20;

/** Around segments: blanks, line ends, fillers, the end-of-file mark of DOS. */
const trailing = /[\0-\x20]+$/;
const byteOrderMark = '\xef\xbb\xbf';
const lineEnd = /[\r\n]/;
const lineEnds = /[\r\n]+/g;
const isaStart = /I[\r\n]*S[\r\n]*A/y;

/**
 * The segments of a file's interchanges, a chunk of them at a time. Line ends and blanks around segments are passed
 * over, and line ends within them too, as some systems wrap lines without regard to segments. Text is UTF-8 where it is
 * valid as such, else Latin-1. Throws Refusal where separators cannot be told, behind the segments before that.
 */
export async function* readSegments(file: InputFile): AsyncGenerator<Segment[]> {
  let separators: Separators | undefined;
  let number = 0;
  let start = 0;
  let rest = '';
  let plain = true;

  for await (const chunk of file.bytes()) {
    const restIsPlain = plain;
    plain = isAscii(chunk);
    const text = rest + chunk.toString('latin1');
    const segments: Segment[] = [];
    let from = 0;
    for (;;) {
      const first = pastLeading(text, from);
      if (separators === undefined || isIsa(text, first)) {
        const isa = unwrappedIsa(text, first);
        if (isa.length < isaLength) break;
        try {
          separators = readIsa(isa, number + 1, start + first - from);
        } catch (error) {
          if (segments.length > 0) yield segments;
          throw error;
        }
      }
      const end = text.indexOf(separators.terminator, first);
      if (end < 0) break;
      number += 1;
      const content = unwrapped(text.slice(first, end).trimEnd());
      const offset = start + first - from;
      start += end + 1 - from;
      from = end + 1;
      // Nothing between two terminators says nothing.
      if (content === '') continue;
      segments.push(new Segment(plain && restIsPlain ? content : decode(content), separators, number, offset, start));
    }
    rest = text.slice(from);
    if (segments.length > 0) yield segments;
    if (rest.length > maxSegmentBytes) {
      throw new Refusal(
        `expected the segment terminator of its ISA within ${maxSegmentBytes >> 20} MiB behind byte ${start}, found none`,
      );
    }
  }
  const first = pastLeading(rest, 0);
  const last = rest.slice(first).replace(trailing, '');
  if (last === '') return;
  if (separators === undefined || isIsa(last, 0))
    separators = readIsa(unwrappedIsa(last, 0), number + 1, start + first);
  yield [new Segment(decode(unwrapped(last)), separators, number + 1, start, start + rest.length)];
}

/** Behind what stands before a segment; where files were joined, a byte order mark too. */
function pastLeading(text: string, from: number): number {
  let first = from;
  for (;;) {
    while (first < text.length && text.charCodeAt(first) <= 32) first += 1;
    if (!text.startsWith(byteOrderMark, first)) return first;
    first += byteOrderMark.length;
  }
}

function isIsa(text: string, first: number): boolean {
  isaStart.lastIndex = first;
  return text.charAt(first) === 'I' && isaStart.test(text);
}

/** As much of an ISA segment as there is, without line ends; its last character is the terminator, and may be one. */
function unwrappedIsa(text: string, first: number): string {
  const isa = text.slice(first, first + isaLength);
  if (!lineEnd.test(isa.slice(0, -1))) return isa;
  let unwrapped = '';
  for (let at = first; at < text.length && unwrapped.length < isaLength; at += 1) {
    const character = text.charAt(at);
    if (unwrapped.length === isaLength - 1 || !lineEnd.test(character)) unwrapped += character;
  }
  return unwrapped;
}

/** Of lines that are wrapped without regard to segments; few are, so most content is not copied. */
function unwrapped(content: string): string {
  return content.includes('\n') || content.includes('\r') ? content.replace(lineEnds, '') : content;
}

function decode(text: string): string {
  const bytes = Buffer.from(text, 'latin1');
  return !isAscii(bytes) && isUtf8(bytes) ? bytes.toString('utf8') : text;
}

function readIsa(text: string, number: number, offset: number): Separators {
  const at = `at byte ${offset}`;
  if (!text.startsWith('ISA')) {
    throw new Refusal(`expected an ISA segment ${at}: an X12 file starts with one; found another segment`);
  }
  const element = text.charAt(3);
  const wrong = isaSeparatorsAt.findIndex((place) => text.charAt(place) !== element);
  if (wrong >= 0 || text.length < isaLength) {
    const name = `ISA${String(Math.max(wrong, 1)).padStart(2, '0')}`;
    throw new Refusal(
      `segment ${number}, ${name}: expected an ISA segment of ${isaLength} characters ${at}, with ${name} of its fixed length; found another length`,
    );
  }
  const repetition = /[A-Za-z0-9 ]/.test(text.charAt(82)) ? undefined : text.charAt(82);
  const separators = { element, component: text.charAt(104), repetition, terminator: text.charAt(105) };
  const all = [element, separators.component, separators.terminator];
  if (new Set(all).size < all.length || all.some((character) => /[A-Za-z0-9 ]/.test(character))) {
    throw new Refusal(
      `segment ${number}, ISA16: expected separators ${at} that differ and are no letters, digits or blanks`,
    );
  }
  return separators;
}
