import { hash, randomBytes } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { constants, gzipSync, zstdCompressSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { Refusal } from '../../src/ingest/format.ts';
import { contentHash, openInput } from '../../src/ingest/input.ts';
import { temporaryDirectory } from '../support/files.ts';

const directory = await temporaryDirectory();
const text = Array.from({ length: 20_000 }, (_, index) => `line ${index} of ${Math.sqrt(index)}\n`).join('');

/** What is read of a file until its end, or until it is refused. */
async function read(content: Uint8Array): Promise<{ bytes: number; refused?: string }> {
  const path = join(directory, `input-${process.hrtime.bigint()}`);
  await writeFile(path, content);
  let bytes = 0;
  try {
    for await (const chunk of openInput(path).bytes()) bytes += chunk.length;
    return { bytes };
  } catch (error) {
    if (error instanceof Refusal) return { bytes, refused: error.message };
    throw error;
  }
}

async function piecesOf(path: string, offset: number): Promise<Buffer[]> {
  const pieces: Buffer[] = [];
  for await (const piece of openInput(path).bytes(offset)) pieces.push(piece);
  return pieces;
}

const zstd = (content: string | Uint8Array) =>
  zstdCompressSync(content, { params: { [constants.ZSTD_c_checksumFlag]: 1 } });

describe('a file', () => {
  const content = randomBytes(3_500_000);
  const path = join(directory, 'large');

  it('is given in small pieces, from any offset', async () => {
    await writeFile(path, content);
    for (const offset of [0, 1, 40_000, 262_144, 3_499_999, 3_500_000]) {
      const pieces = await piecesOf(path, offset);
      expect(Buffer.concat(pieces).equals(content.subarray(offset))).toBe(true);
      expect(Math.max(0, ...pieces.map(({ length }) => length))).toBeLessThanOrEqual(32_768);
    }
  });

  it.each([0, 1, 1 << 20, 2 << 20, content.length])('of %d bytes is known by its SHA-256', async (length) => {
    await writeFile(path, content.subarray(0, length));
    expect(await contentHash(path)).toEqual(hash('sha256', content.subarray(0, length), 'buffer'));
  });
});

describe.each([
  ['gzip', gzipSync],
  ['zstd', zstd],
])('a file compressed by %s', (_, compress) => {
  it('is read by its content, whatever its name, and in several members as one', async () => {
    expect(await read(Buffer.concat([compress(text), compress(text)]))).toEqual({ bytes: 2 * text.length });
  });

  it.each([1, 32_768, 300_000])('is read from offset %d of what it holds', async (offset) => {
    const path = join(directory, 'compressed');
    await writeFile(path, compress(text));
    const pieces = await piecesOf(path, offset);
    expect(Buffer.concat(pieces).toString()).toBe(text.slice(offset));
  });

  it.each([0.1, 0.5, 0.9, 0.9999])('is refused where it ends early, at %d of its length', async (part) => {
    const whole = compress(text);
    const { bytes, refused } = await read(whole.subarray(0, Math.floor(whole.length * part)));
    expect(refused).toMatch(/^its compressed data are damaged or end early/);
    expect(bytes).toBeLessThanOrEqual(text.length);
  });

  it('is refused where a bit of it is another', async () => {
    const broken = Buffer.from(compress(text));
    broken[broken.length >> 1] = (broken[broken.length >> 1] as number) ^ 1;
    expect((await read(broken)).refused).toMatch(/^its compressed data are damaged/);
  });

  it('is read no further where it was made to become a thousand times as large', async () => {
    const { bytes, refused } = await read(compress(Buffer.alloc(160 << 20, '\n')));
    expect(refused).toMatch(/^expected at most 500 times its size/);
    expect(bytes).toBeLessThan(100 << 20);
  });
});
