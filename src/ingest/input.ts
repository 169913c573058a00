import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { open, stat } from 'node:fs/promises';
import { pipeline } from 'node:stream';
import { createGunzip, createZstdDecompress } from 'node:zlib';
import { Refusal } from './format.ts';

/** Each read costs some 50 µs: by 32 kB at a time, they took 3 to 4 % of an import. */
const readBytes = 1 << 18;
/** What is given at once: the segments of a chunk are all held until the last of them is read. */
const chunkBytes = 1 << 15;
const headBytes = 1 << 16;
const hashedBytes = 1 << 20;
const leastBufferBytes = 1 << 12;
const usualExpansion = 20;
/** Files of claims become some 50 times as large at most; what is made to fill a disk or a day, a thousand times. */
const mostExpansion = 500;
const expansionCheckedFrom = 64 << 20;

/** A file as formats read it: its decompressed bytes, from any offset. */
export interface InputFile {
  path: string;
  /** What to call the system that numbered the claims, where the format does not say (`--source`). */
  source?: string | undefined;
  /** Throws Refusal where the file cannot be read, or its compressed data are damaged. */
  bytes(offset?: number): AsyncIterable<Buffer>;
}

/** What tells one version of a file from another without reading it. */
export interface FileStamp {
  size: number;
  modifiedAt: Date;
}

export async function fileStamp(path: string): Promise<FileStamp> {
  const { size, mtime } = await stat(path).catch((error) => {
    if (isMisnamed(path)) throw new Refusal('its name is not UTF-8, so it cannot be opened: rename it');
    return unreadable(error);
  });
  return { size, modifiedAt: mtime };
}

/** Node shows other bytes of a name as U+FFFD, by which nothing is found. */
export const isMisnamed = (path: string) => path.includes('\uFFFD');

/**
 * SHA-256 of the file as it lies on the disk. Nothing else is to be done before it is there, so it is read ahead, into two
 * buffers in turn: one for each read took half as long again.
 */
export async function contentHash(path: string): Promise<Buffer> {
  const hash = createHash('sha256');
  try {
    await using file = await open(path);
    const length = bufferBytes(hashedBytes, (await file.stat()).size);
    let [current, next] = [Buffer.allocUnsafeSlow(length), Buffer.allocUnsafeSlow(length)];
    let { bytesRead } = await file.read(current);
    while (bytesRead > 0) {
      const reading = file.read(next);
      hash.update(current.subarray(0, bytesRead));
      [current, next] = [next, current];
      ({ bytesRead } = await reading);
    }
  } catch (error) {
    unreadable(error);
  }
  return hash.digest();
}

/**
 * No more than the file and one byte, at which its end is seen: with whole buffers for each of thousands of small files,
 * the collector was at work for half of the time. Nor so little that a file that grows meanwhile is read byte by byte.
 */
const bufferBytes = (most: number, fileBytes: number) => Math.min(most, Math.max(fileBytes + 1, leastBufferBytes));

/** The same content makes other claims where its format or its source is named. */
export function loadHash(content: Buffer, format: string | undefined, source: string | undefined): Buffer {
  if (format === undefined && source === undefined) return content;
  return createHash('sha256')
    .update(content)
    .update(JSON.stringify([format ?? null, source ?? null]))
    .digest();
}

interface InputOptions {
  source?: string | undefined;
  /** Told how much of the file, as it lies on the disk, has been read. */
  onRead?(bytes: number): void;
}

export function openInput(path: string, { source, onRead }: InputOptions = {}): InputFile {
  return { path, source, bytes: (offset = 0) => chunks(path, offset, readBytes, onRead) };
}

/** The first decompressed bytes, enough to tell the format. */
export async function readHead(path: string): Promise<Buffer> {
  const head: Buffer[] = [];
  let length = 0;
  for await (const chunk of chunks(path, 0, headBytes)) {
    head.push(chunk);
    length += chunk.length;
    if (length >= headBytes) break;
  }
  return Buffer.concat(head).subarray(0, headBytes);
}

async function* chunks(
  path: string,
  offset: number,
  mostRead: number,
  onRead?: (bytes: number) => void,
): AsyncGenerator<Buffer> {
  const { compression, size } = await firstLook(path);
  const decompress = decompressor(compression);
  const highWaterMark = bufferBytes(mostRead, size);
  const file = createReadStream(path, { highWaterMark, start: decompress ? 0 : offset });
  const stream = decompress ? pipeline(file, decompress, () => {}) : file;
  let skip = decompress ? offset : 0;
  let length = 0;
  try {
    for await (const block of stream as AsyncIterable<Buffer>) {
      length += block.length;
      if (length > expansionCheckedFrom && length > file.bytesRead * mostExpansion) {
        throw new Refusal(
          `expected at most ${mostExpansion} times its size when it is decompressed, found more: no file of claims; it is not read on`,
        );
      }
      onRead?.(file.bytesRead + (decompress ? 0 : offset));
      for (let at = skip; at < block.length; at += chunkBytes) yield block.subarray(at, at + chunkBytes);
      skip = Math.max(skip - block.length, 0);
    }
  } catch (error) {
    unreadable(error);
  } finally {
    file.destroy();
  }
}

type Compression = 'gzip' | 'zstd' | undefined;

async function firstLook(path: string): Promise<{ compression: Compression; size: number }> {
  try {
    await using file = await open(path);
    const { size } = await file.stat();
    const { buffer, bytesRead } = await file.read(Buffer.alloc(4));
    return { compression: compressionOf(buffer.subarray(0, bytesRead)), size };
  } catch (error) {
    unreadable(error);
  }
}

function compressionOf(magic: Buffer): Compression {
  if (magic.length >= 2 && magic.readUInt16BE() === 0x1f8b) return 'gzip';
  if (magic.length >= 4 && magic.readUInt32BE() === 0x28b52ffd) return 'zstd';
  return undefined;
}

function decompressor(compression: Compression) {
  if (compression === 'gzip') return createGunzip({ chunkSize: chunkBytes });
  return compression && createZstdDecompress({ chunkSize: chunkBytes });
}

/** About how large the file is when it is decompressed. */
export async function decompressedBytes({ path }: InputFile): Promise<number> {
  const { compression, size } = await firstLook(path);
  return compression ? size * usualExpansion : size;
}

function unreadable(error: unknown): never {
  if (error instanceof Refusal) throw error;
  const { code } = error as { code?: string };
  switch (code) {
    case 'EACCES':
    case 'EPERM':
      throw new Refusal('cannot be read: permission denied; make it readable for the user the service runs as');
    case 'ENOENT':
      throw new Refusal('is gone');
    case 'EISDIR':
      throw new Refusal('is a directory');
    default:
      if (code?.startsWith('Z_') || code?.startsWith('ZSTD_')) {
        throw new Refusal(`its compressed data are damaged or end early (${code}); copy the file again`);
      }
      throw new Refusal(`cannot be read (${code ?? (error as Error).name})`);
  }
}
