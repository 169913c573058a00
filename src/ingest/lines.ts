import { isAscii, isUtf8 } from 'node:buffer';
import type { Resume } from './format.ts';
import type { InputFile } from './input.ts';

/** A longer line is not kept in memory: its start is given, with a fault. */
export const maxLineBytes = 8 << 20;
const shownOfLongLine = 1 << 16;

export interface Line {
  /** Without its line end. Where there is a fault, as far as it can be read. */
  text: string;
  /** From 1. */
  number: number;
  start: number;
  /** The offset behind the line's end. */
  end: number;
  fault?: LineFault;
}

export interface LineFault {
  reason: string;
  /** Characters of the text before the faulty byte. */
  at: number;
}

/**
 * The lines of a text file, a chunk of them at a time (a line at a time would cost an await each). Line ends are LF or
 * CRLF; a byte order mark is skipped.
 */
export async function* readLines(file: InputFile, resume: Resume = { offset: 0, position: 0 }): AsyncGenerator<Line[]> {
  let { offset: start, position: number } = resume;
  let rest: Buffer[] = [];
  let restBytes = 0;
  let lines: Line[] = [];

  const add = (content: Content, bytes: number) => {
    const end = start + bytes;
    number += 1;
    lines.push({ ...content, number, start, end });
    start = end;
  };

  for await (const chunk of file.bytes(resume.offset)) {
    let from = 0;
    const addNext = () => {
      const to = chunk.indexOf(10, from);
      const part = chunk.subarray(from, to);
      if (restBytes === 0) add(readContent(part, part.length, start), part.length + 1);
      else {
        if (restBytes <= maxLineBytes) rest.push(part);
        const length = restBytes + part.length;
        add(readContent(Buffer.concat(rest), length, start), length + 1);
        rest = [];
        restBytes = 0;
      }
      from = to + 1;
    };
    const addPlain = () => {
      const to = chunk.indexOf(10, from);
      const text = chunk.toString('latin1', from, chunk[to - 1] === 13 ? to - 1 : to);
      add({ text }, to + 1 - from);
      from = to + 1;
    };
    const end = chunk.lastIndexOf(10) + 1;
    if (restBytes > 0 && from < end) addNext();
    const plain = isPlain(chunk.subarray(from, end));
    while (from < end) {
      if (plain) addPlain();
      else addNext();
    }
    if (from < chunk.length) {
      const part = chunk.subarray(from);
      if (restBytes <= maxLineBytes) rest.push(part);
      restBytes += part.length;
    }
    if (lines.length > 0) {
      yield lines;
      lines = [];
    }
  }
  if (restBytes > 0) {
    add(readContent(Buffer.concat(rest), restBytes, start), restBytes);
    yield lines;
  }
}

/** Whether lines are what nearly all of a file are: then none of them needs a look of its own, which took as long again. */
const isPlain = (lines: Buffer) => isAscii(lines) && !lines.includes(0);

type Content = Pick<Line, 'text' | 'fault'>;

/** Of a line that begins there, and of which these bytes, of so many, were kept. */
function readContent(bytes: Buffer, length: number, start: number): Content {
  let content = bytes;
  if (start === 0 && content[0] === 0xef && content[1] === 0xbb && content[2] === 0xbf) content = content.subarray(3);
  if (content[content.length - 1] === 13) content = content.subarray(0, -1);
  if (length > maxLineBytes) {
    const text = content.toString('latin1', 0, shownOfLongLine);
    const reason = `expected a line of at most ${maxLineBytes >> 20} MiB, found ${Math.ceil(length / (1 << 20))} MiB`;
    return { text, fault: { reason, at: text.length } };
  }
  const nul = content.indexOf(0);
  if (nul >= 0) {
    const at = content.toString('utf8', 0, nul).length;
    return { text: content.toString('utf8'), fault: { reason: 'expected text, found a NUL byte', at } };
  }
  if (!isUtf8(content)) {
    const text = content.toString('utf8');
    const reason = 'expected UTF-8, found bytes that are not';
    return { text, fault: { reason, at: text.indexOf('\ufffd') } };
  }
  return { text: content.toString('utf8') };
}
