import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { Fault, renderClaim } from '../../src/claims/render.ts';
import { generated, lines } from '../../src/generate/command.ts';
import { Random } from '../../src/generate/random.ts';
import { RowStore } from '../../src/ingest/copy.ts';
import { Refusal } from '../../src/ingest/format.ts';
import { detectFormat } from '../../src/ingest/formats/index.ts';
import type { InputFile } from '../../src/ingest/input.ts';
import { MessageBatch } from '../../src/ingest/message-batch.ts';
import { fixtures } from '../support/fixtures.ts';

const seeds = 25;
const maxBytes = 60_000;

/** Beginnings of real files, and of generated ones of each format. */
const originals: [name: string, content: Buffer][] = (['rif', '837p', '837i', '835', 'fhir', 'ndjson'] as const).map(
  (format) => [`generated ${format}`, Buffer.from([...lines(generated(7, 12), format)].join(''))],
);
if (fixtures) {
  for (const entry of readdirSync(fixtures, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile() || !/\.(?:837|835|277|json|csv)$/.test(entry.name)) continue;
    originals.push([entry.name, readFileSync(join(entry.parentPath, entry.name)).subarray(0, maxBytes)]);
  }
}

const inserted = [
  '\0',
  '"',
  '~',
  '*',
  '\n',
  '|',
  '{',
  ']',
  ',',
  '\\',
  '\xff',
  '1e400',
  '-',
  '99999999999999999999',
  'ISA*',
];

/** The content with a few faults: bits, cut, doubled, moved and foreign pieces. */
function mutated(original: Buffer, random: Random): Buffer {
  let content = Buffer.from(original);
  for (let times = 1 + random.below(4); times > 0; times -= 1) {
    const at = random.below(content.length);
    const length = random.below(Math.min(200, content.length - at) + 1);
    const [before, piece, after] = [
      content.subarray(0, at),
      content.subarray(at, at + length),
      content.subarray(at + length),
    ];
    const foreign = Buffer.from(inserted[random.below(inserted.length)] as string, 'latin1');
    switch (random.below(5)) {
      case 0:
        content[at] = (content[at] as number) ^ (1 << random.below(8));
        break;
      case 1:
        content = Buffer.concat([before, after]);
        break;
      case 2:
        content = Buffer.concat([before, piece, piece, after]);
        break;
      case 3:
        content = Buffer.concat([before, foreign, piece, after]);
        break;
      default:
        content = Buffer.concat([before, Buffer.from(piece).reverse(), after]);
    }
    if (content.length === 0) return content;
  }
  return random.below(10) === 0 ? content.subarray(0, random.below(content.length)) : content;
}

const inputOf = (content: Buffer): InputFile => ({
  path: 'none',
  async *bytes(offset = 0) {
    for (let from = offset; from < content.length; from += 4096) yield content.subarray(from, from + 4096);
  },
});

/** How many entries are read, or that the file is refused; throws whatever else happens. */
async function outcome(content: Buffer): Promise<number | 'unknown' | 'refused'> {
  const format = detectFormat(content);
  if (format === undefined) return 'unknown';
  let count = 0;
  let offset = 0;
  try {
    for await (const entry of format.read(inputOf(content))) {
      count += 1;
      expect(entry.resume.offset).toBeGreaterThanOrEqual(offset);
      offset = entry.resume.offset;
      if ('reject' in entry) expect(entry.reject.reason.length).toBeGreaterThan(10);
      try {
        if ('claim' in entry) renderClaim(entry.claim);
        if ('message' in entry) new MessageBatch().add(entry.message, format.unit, entry.position, new RowStore(''));
      } catch (error) {
        if (!(error instanceof Fault)) throw error;
      }
    }
  } catch (error) {
    if (error instanceof Refusal) return 'refused';
    throw error;
  }
  return count;
}

describe('a damaged file', () => {
  it.each(originals)('of %s ends in claims, rejects or a refusal, whatever is wrong with it', async (_, original) => {
    expect(await outcome(original)).not.toBe(0);
    for (let seed = 0; seed < seeds; seed += 1) {
      await outcome(mutated(original, new Random(seed, 1))).catch((error) => {
        throw new Error(`seed ${seed}`, { cause: error });
      });
    }
  });
});
