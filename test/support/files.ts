import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from 'vitest';
import type { Entry, Format, Resume } from '../../src/ingest/format.ts';
import { openInput } from '../../src/ingest/input.ts';

/** A directory that is removed after the test file. */
export async function temporaryDirectory(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'claims-api-test-'));
  afterAll(() => rm(directory, { recursive: true, force: true }));
  return directory;
}

/** Every entry that a format reads from this content. */
export async function readAll(
  format: Format,
  directory: string,
  content: string | Uint8Array,
  resume?: Resume,
): Promise<Entry[]> {
  const path = join(directory, `input-${process.hrtime.bigint()}`);
  await writeFile(path, content);
  const entries: Entry[] = [];
  for await (const entry of format.read(openInput(path), resume)) entries.push(entry);
  return entries;
}

export const rejectsOf = (entries: Entry[]) => entries.flatMap((entry) => ('reject' in entry ? [entry.reject] : []));
export const claimsOf = (entries: Entry[]) => entries.flatMap((entry) => ('claim' in entry ? [entry.claim] : []));
