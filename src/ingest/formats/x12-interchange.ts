import { isAscii, isUtf8 } from 'node:buffer';
import { Refusal } from '../format.ts';
import type { InputFile } from '../input.ts';
import { Segment, type Separators } from './x12-segment.ts';

/** X12.5: the ISA segment is of fixed length, and shows by where its separators stand what they are. */
const isaLength = 106;
const isaSeparatorsAt = [3, 6, 17, 20, 31, 34, 50, 53, 69, 76, 81, 83, 89, 99, 101, 103];
const maxSegmentBytes = 1 << 20;

/**
 * The segments of a file's interchanges, a chunk of them at a time. Line ends and blanks around segments are passed
 * over. Text is UTF-8 where it is valid as such, else Latin-1. Throws Refusal where separators cannot be told.
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
    let text = rest + chunk.toString('latin1');
    if (start === 0 && number === 0 && text.startsWith('\xef\xbb\xbf')) {
      text = text.slice(3);
      start = 3;
    }
    const segments: Segment[] = [];
    let from = 0;
    for (;;) {
      let first = from;
      while (first < text.length && text.charCodeAt(first) <= 32) first += 1;
      if (text.startsWith('ISA', first) || separators === undefined) {
        if (text.length - first < isaLength) break;
        separators = readIsa(text.slice(first, first + isaLength), number + 1, start + first - from);
      }
      const end = text.indexOf(separators.terminator, first);
      if (end < 0) break;
      number += 1;
      const content = text.slice(first, end).trimEnd();
      const offset = start + first - from;
      start += end + 1 - from;
      from = end + 1;
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
  const last = rest.trim();
  if (last === '') return;
  if (separators === undefined || last.startsWith('ISA')) separators = readIsa(last, number + 1, start);
  yield [new Segment(decode(last), separators, number + 1, start, start + rest.length)];
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
