import { createWriteStream } from 'node:fs';
import { rm } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { parseArgs } from 'node:util';
import { writeText } from '../export/export-claims.ts';
import { exported } from '../export/flat-cells.ts';
import { writeSqlite } from '../export/write-sqlite.ts';
import { UsageError } from '../usage.ts';
import { type GeneratedClaim, generateClaim } from './claim.ts';
import { canonical, fhirLine, writeRif } from './write-claims.ts';
import { writeX12 } from './write-x12.ts';

const formats = ['rif', '837p', '837i', '835', 'fhir', 'ndjson', 'csv', 'sqlite'] as const;
type GeneratedFormat = (typeof formats)[number];

const usage = `Usage: claims generate --claims N [--seed S] [--format ${formats.join('|')}] [--output FILE]
Invented claims: the same seed gives the same bytes, and claim by claim the same in every format.
The default is --seed 1 --format ndjson, to standard output; sqlite needs a file.`;

/** `claims generate …`. Throws UsageError. */
export async function generateCommand(args: string[]): Promise<void> {
  const { claims, seed, format, output } = readArguments(args);
  const rows = () => Readable.from(each(generated(seed, claims), (claim) => exported(canonical(claim))));
  if (format === 'sqlite') {
    await rm(output as string, { force: true });
    await writeSqlite(rows(), output as string);
    return;
  }
  const into = output === undefined ? process.stdout : createWriteStream(output);
  try {
    if (format === 'csv') {
      await writeText(rows(), 'csv', into);
      if (output !== undefined) await new Promise<void>((resolve) => into.end(() => resolve()));
    } else await pipeline(Readable.from(chunks(lines(generated(seed, claims), format))), into);
  } catch (error) {
    // Who reads no further has enough.
    if ((error as { code?: string }).code !== 'EPIPE') throw error;
  }
}

export function* generated(seed: number, claims: number): Generator<GeneratedClaim> {
  for (let index = 0; index < claims; index += 1) yield generateClaim(seed, index);
}

/** The text of a format, part by part. */
export function lines(
  claims: Iterable<GeneratedClaim>,
  format: Exclude<GeneratedFormat, 'csv' | 'sqlite'>,
): Iterable<string> {
  switch (format) {
    case 'rif':
      return writeRif(claims);
    case 'ndjson':
      return each(claims, (claim) => `${JSON.stringify(canonical(claim))}\n`);
    case 'fhir':
      return each(claims, fhirLine);
    default:
      return writeX12(claims, format);
  }
}

function* each<T>(claims: Iterable<GeneratedClaim>, write: (claim: GeneratedClaim) => T): Generator<T> {
  for (const claim of claims) yield write(claim);
}

function* chunks(parts: Iterable<string>): Generator<string> {
  let waiting = '';
  for (const part of parts) {
    waiting += part;
    if (waiting.length < 1 << 16) continue;
    yield waiting;
    waiting = '';
  }
  if (waiting !== '') yield waiting;
}

function readArguments(args: string[]) {
  let values: { claims?: string; seed?: string; format?: string; output?: string };
  try {
    ({ values } = parseArgs({
      args,
      options: {
        claims: { type: 'string' },
        seed: { type: 'string' },
        format: { type: 'string' },
        output: { type: 'string' },
      },
    }));
  } catch (error) {
    throw new UsageError(`${(error as Error).message}\n\n${usage}`);
  }
  const whole = (name: 'claims' | 'seed', text: string | undefined, most: number) => {
    const number = Number(text);
    if (text === undefined || !/^\d+$/.test(text) || number > most) {
      throw new UsageError(`Expected --${name} with a whole number up to ${most}.\n\n${usage}`);
    }
    return number;
  };
  const format = formats.find((known) => known === (values.format ?? 'ndjson'));
  if (format === undefined) throw new UsageError(`Expected a format of ${formats.join(', ')}.\n\n${usage}`);
  if (format === 'sqlite' && values.output === undefined)
    throw new UsageError(`sqlite needs --output FILE.\n\n${usage}`);
  return {
    claims: whole('claims', values.claims, 1_000_000_000),
    seed: whole('seed', values.seed ?? '1', 1_000_000),
    format,
    output: values.output,
  };
}
