import { isUtf8 } from 'node:buffer';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type InputFile, openInput } from '../../src/ingest/input.ts';
import { type Line, readLines } from '../../src/ingest/lines.ts';
import { temporaryDirectory } from '../support/files.ts';

const directory = await temporaryDirectory();

async function linesOf(content: string | Uint8Array, resume?: { offset: number; position: number }): Promise<Line[]> {
  const path = join(directory, `lines-${process.hrtime.bigint()}`);
  await writeFile(path, content);
  const lines: Line[] = [];
  for await (const chunk of readLines(openInput(path), resume)) lines.push(...chunk);
  return lines;
}

function inChunks(content: Buffer, cuts: number[]): InputFile {
  return {
    path: '',
    async *bytes() {
      for (let at = 0, turn = 0; at < content.length; turn += 1) {
        const length = cuts[turn % cuts.length] as number;
        yield content.subarray(at, at + length);
        at += length;
      }
    },
  };
}

/** Byte by byte. */
function referenceLines(content: Buffer) {
  const lines: { number: number; text: string; start: number; end: number; ok: boolean }[] = [];
  for (let start = 0, at = 0; at < content.length; at += 1) {
    if (content[at] !== 10 && at < content.length - 1) continue;
    const raw = content.subarray(start, content[at] === 10 ? at : at + 1);
    const shown = start === 0 && raw.indexOf('\ufeff') === 0 ? raw.subarray(3) : raw;
    const bytes = shown.at(-1) === 13 ? shown.subarray(0, -1) : shown;
    const ok = !bytes.includes(0) && isUtf8(bytes);
    lines.push({ number: lines.length + 1, text: bytes.toString(), start, end: at + 1, ok });
    start = at + 1;
  }
  return lines;
}

const texts = (lines: Line[]) => lines.map((line) => line.text);

describe('readLines', () => {
  it.each([
    ['LF', 'a\nb\n'],
    ['CRLF', 'a\r\nb\r\n'],
    ['no end on the last line', 'a\nb'],
    ['a byte order mark', '\ufeffa\nb\n'],
  ])('reads lines with %s', async (_, content) => {
    expect(texts(await linesOf(content))).toEqual(['a', 'b']);
  });

  it.each([
    ['gzip', gzipSync('a\nb\n')],
    ['Zstandard', zstdCompressSync('a\nb\n')],
  ])('reads %s as it is', async (_, content) => {
    expect(texts(await linesOf(content))).toEqual(['a', 'b']);
  });

  it('goes on at any line that it gave before', async () => {
    const content = 'one\r\nzwei \u00e4\nthree\n\nfive';
    const all = await linesOf(content);
    for (const line of all) {
      const rest = await linesOf(content, { offset: line.end, position: line.number });
      expect(rest).toEqual(all.slice(line.number));
    }
    const compressed = await linesOf(gzipSync(content), { offset: (all[1] as Line).end, position: 2 });
    expect(compressed).toEqual(all.slice(2));
  });

  it('reads lines that span chunks', async () => {
    const long = 'x'.repeat(3_000_000);
    expect(texts(await linesOf(`${long}\nb\n${long}`))).toEqual([long, 'b', long]);
  });

  it('reads the same lines wherever its chunks end, plain ones and others', async () => {
    const part = fc.constantFrom('\n', '\r\n', '\r', '', 'a', 'bcd', '\u00e4', '\0', '\ufeff');
    const parts = fc.array(
      fc.oneof(
        part.map((text) => Buffer.from(text)),
        fc.constant(Buffer.from([0xff])),
      ),
    );
    const cuts = fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1 });
    await fc.assert(
      fc.asyncProperty(parts, cuts, async (parts, cuts) => {
        const content = Buffer.concat(parts);
        const lines: Line[] = [];
        for await (const chunk of readLines(inChunks(content, cuts))) lines.push(...chunk);
        expect(lines.map(({ number, text, start, end, fault }) => ({ number, text, start, end, ok: !fault }))).toEqual(
          referenceLines(content),
        );
      }),
      { numRuns: 500 },
    );
  });

  it('names the byte of a line that is not UTF-8 or holds a NUL, and reads on', async () => {
    const lines = await linesOf(Buffer.from([0x61, 0xe9, 0x0a, 0x62, 0x62, 0x00, 0x0a, 0x63, 0x0a]));
    expect(lines.map((line) => line.fault)).toEqual([
      { reason: 'expected UTF-8, found bytes that are not', at: 1 },
      { reason: 'expected text, found a NUL byte', at: 2 },
      undefined,
    ]);
    expect(lines[2]?.text).toBe('c');
  });

  it('gives only the start of a line of 50 MB, and the lines around it', async () => {
    const lines = await linesOf(
      Buffer.concat([Buffer.from('a\nid'), Buffer.alloc(50_000_000, 'x'), Buffer.from('\nb\n')]),
    );
    expect(lines.map((line) => line.text.length)).toEqual([1, 65536, 1]);
    expect(lines[1]?.fault?.reason).toBe('expected a line of at most 8 MiB, found 48 MiB');
    expect(lines[2]).toMatchObject({ text: 'b', number: 3, start: 50_000_005 });
  });

  it.each([
    ['gzip', gzipSync('a\n'.repeat(100_000)).subarray(0, 100), /damaged or end early/],
    ['Zstandard', zstdCompressSync('a\n'.repeat(100_000)).subarray(0, 20), /damaged or end early/],
  ])('refuses a truncated %s file', async (_, content, reason) => {
    await expect(linesOf(content)).rejects.toThrow(reason);
  });

  it('refuses a file that is gone', async () => {
    await expect(readLines(openInput(join(directory, 'gone'))).next()).rejects.toThrow('is gone');
  });
});
