import { createWriteStream } from 'node:fs';
import { access, rename, rm } from 'node:fs/promises';
import type { Writable } from 'node:stream';
import { finished, pipeline } from 'node:stream/promises';
import { parseArgs } from 'node:util';
import type { Connection } from '../db/client.ts';
import { UsageError } from '../usage.ts';
import { type CopiedFormat, copyClaims } from './copy-out.ts';
import { exportedClaims, textFormats, writeText } from './export-claims.ts';
import { writeSqlite } from './write-sqlite.ts';

const usage = `Usage: claims export [--format ndjson|json|csv|sqlite] [--output FILE [--force]]
Without --output the claims go to standard output; sqlite needs a file.`;

/** `claims export …`. Throws UsageError. */
export async function exportCommand(
  args: string[],
  { open, say }: { open(): Promise<{ sql: Connection; end(): Promise<void> }>; say(line: string): void },
): Promise<void> {
  const { format, output, force } = readArguments(args);
  if (output !== undefined && !force && (await exists(output))) {
    throw new UsageError(`${output} exists already: choose another name, or --force to replace it.`);
  }
  const { sql, end } = await open();
  try {
    if (output === undefined) await write(sql, format, process.stdout);
    else {
      // A file under its own name is a whole one.
      const partial = `${output}.partial`;
      await rm(partial, { force: true });
      try {
        const count = await writeFile(sql, format, partial);
        await rename(partial, output);
        say(`${count} claims written to ${output}`);
      } catch (error) {
        await rm(partial, { force: true });
        throw error;
      }
    }
  } catch (error) {
    // Who reads no further has enough.
    if ((error as { code?: string }).code !== 'EPIPE') throw error;
  } finally {
    await end();
  }
}

async function writeFile(sql: Connection, format: string, path: string): Promise<number> {
  if (format === 'sqlite') return writeSqlite(exportedClaims(sql), path);
  const file = createWriteStream(path, { flags: 'wx', mode: 0o600 });
  const written = finished(file);
  const [count] = await Promise.all([write(sql, format, file).finally(() => file.end()), written]);
  return count;
}

async function write(sql: Connection, format: string, into: Writable): Promise<number> {
  if (format === 'json') return writeText(exportedClaims(sql), format, into);
  const { text, count } = await copyClaims(sql, format as CopiedFormat, {}, 'by id');
  await pipeline(text, into, { end: false });
  return count();
}

const exists = (path: string) =>
  access(path).then(
    () => true,
    () => false,
  );

function readArguments(args: string[]): { format: string; output: string | undefined; force: boolean } {
  let values: { format?: string; output?: string; force?: boolean };
  try {
    ({ values } = parseArgs({
      args,
      options: { format: { type: 'string' }, output: { type: 'string' }, force: { type: 'boolean' } },
    }));
  } catch (error) {
    throw new UsageError(`${(error as Error).message}\n\n${usage}`);
  }
  const { format = 'ndjson', output, force = false } = values;
  const known = [...textFormats, 'sqlite'];
  if (!known.includes(format)) throw new UsageError(`Expected a format of ${known.join(', ')}.\n\n${usage}`);
  if (format === 'sqlite' && output === undefined) throw new UsageError(`sqlite needs --output FILE.\n\n${usage}`);
  return { format, output, force };
}
