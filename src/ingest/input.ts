import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { pipeline } from 'node:stream';
import { createGunzip, createZstdDecompress } from 'node:zlib';
import { Refusal } from './format.ts';

/** Each read costs some 50 µs; the segments of a chunk are all held until the last of them is read. */
const chunkBytes = 1 << 15;
const headBytes = 1 << 16;
/** Nothing else is to be done before the hash is there. */
const hashedBytes = 1 << 20;
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

/** SHA-256 of the file as it lies on the disk. */
export async function contentHash(path: string): Promise<Buffer> {
  const hash = createHash('sha256');
  try {
    for await (const chunk of createReadStream(path, { highWaterMark: hashedBytes })) hash.update(chunk);
  } catch (error) {
    unreadable(error);
  }
  return hash.digest();
}

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
  return { path, source, bytes: (offset = 0) => readBytes(path, offset, chunkBytes, onRead) };
}

/** The first decompressed bytes, enough to tell the format. */
export async function readHead(path: string): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of readBytes(path, 0, headBytes)) {
    chunks.push(chunk);
    length += chunk.length;
    if (length >= headBytes) break;
  }
  return Buffer.concat(chunks).subarray(0, headBytes);
}

async function* readBytes(
  path: string,
  offset: number,
  highWaterMark: number,
  onRead?: (bytes: number) => void,
): AsyncGenerator<Buffer> {
  const decompress = decompressor(await magic(path));
  const file = createReadStream(path, { highWaterMark, start: decompress ? 0 : offset });
  const stream = decompress ? pipeline(file, decompress, () => {}) : file;
  let skip = decompress ? offset : 0;
  let length = 0;
  try {
    for await (const chunk of stream as AsyncIterable<Buffer>) {
      length += chunk.length;
      if (length > expansionCheckedFrom && length > file.bytesRead * mostExpansion) {
        throw new Refusal(
          `expected at most ${mostExpansion} times its size when it is decompressed, found more: no file of claims; it is not read on`,
        );
      }
      onRead?.(file.bytesRead + (decompress ? 0 : offset));
      if (skip >= chunk.length) {
        skip -= chunk.length;
        continue;
      }
      yield skip > 0 ? chunk.subarray(skip) : chunk;
      skip = 0;
    }
  } catch (error) {
    unreadable(error);
  } finally {
    file.destroy();
  }
}

async function magic(path: string): Promise<Buffer> {
  try {
    for await (const chunk of createReadStream(path, { end: 3 })) return chunk;
  } catch (error) {
    unreadable(error);
  }
  return Buffer.alloc(0);
}

function decompressor(magic: Buffer) {
  if (magic.length >= 2 && magic.readUInt16BE() === 0x1f8b) return createGunzip({ chunkSize: chunkBytes });
  if (magic.length >= 4 && magic.readUInt32BE() === 0x28b52ffd) return createZstdDecompress({ chunkSize: chunkBytes });
  return undefined;
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
