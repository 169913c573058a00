import type { Message, Submission } from '../../src/claims/messages.ts';
import type { Entry } from '../../src/ingest/format.ts';
import { x12 } from '../../src/ingest/formats/x12.ts';
import type { InputFile } from '../../src/ingest/input.ts';

/** Any of them will do: each reads every kind. */
export const format = x12[0] as (typeof x12)[number];

/** Every entry of a file of this content, which comes in chunks of so many bytes. */
export async function read(content: string | Buffer, chunk = 1 << 20): Promise<Entry[]> {
  const bytes = Buffer.isBuffer(content) ? content : Buffer.from(content);
  const file: InputFile = {
    path: '',
    async *bytes() {
      for (let at = 0; at < bytes.length; at += chunk) yield bytes.subarray(at, at + chunk);
    },
  };
  const entries: Entry[] = [];
  for await (const entry of format.read(file)) entries.push(entry);
  return entries;
}

export const messages = (entries: Entry[]): Message[] =>
  entries.flatMap((entry) => ('message' in entry ? [entry.message] : []));
export const submissions = async (text: string | Buffer) => messages(await read(text)) as Submission[];
export const warnings = (entries: Entry[]) => entries.flatMap((entry) => ('warning' in entry ? [entry.warning] : []));
