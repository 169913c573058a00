import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable, Writable } from 'node:stream';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Message } from '../../src/claims/messages.ts';
import { renderClaim } from '../../src/claims/render.ts';
import type { Claim } from '../../src/claims/schema.ts';
import { type ExportedClaim, textFormats, writeText } from '../../src/export/export-claims.ts';
import { exported } from '../../src/export/flat-cells.ts';
import { writeSqlite } from '../../src/export/write-sqlite.ts';
import { allowed, dollars, type GeneratedClaim, total } from '../../src/generate/claim.ts';
import { lines } from '../../src/generate/command.ts';
import { detectFormat } from '../../src/ingest/formats/index.ts';
import { arbitraryClaim, arbitraryGenerated } from '../support/arbitrary-claims.ts';
import { claimsOf, readAll, temporaryDirectory } from '../support/files.ts';

const directory = await temporaryDirectory();
const seed = 20240101;

async function written(claims: ExportedClaim[], format: string): Promise<Buffer> {
  if (format === 'sqlite') {
    const path = join(directory, `claims-${process.hrtime.bigint()}.sqlite`);
    await writeSqlite(Readable.from(claims), path);
    return readFile(path);
  }
  const parts: Buffer[] = [];
  const into = new Writable({
    write(chunk, _, done) {
      parts.push(Buffer.from(chunk));
      done();
    },
  });
  await writeText(Readable.from(claims), format as 'csv', into);
  return Buffer.concat(parts);
}

async function entriesOf(content: Buffer | string) {
  const bytes = Buffer.from(content);
  const format = detectFormat(bytes.subarray(0, 1 << 16));
  if (format === undefined) throw new Error('no format is found');
  const entries = await readAll(format, directory, bytes);
  expect(entries.filter((entry) => 'reject' in entry || 'warning' in entry)).toEqual([]);
  return entries;
}

describe('any claims, written and read again,', () => {
  it.each([...textFormats, 'sqlite'])('are the same as %s', async (format) => {
    await fc.assert(
      fc.asyncProperty(fc.array(arbitraryClaim, { minLength: 1, maxLength: 5 }), async (claims) => {
        const rows = claims.map((claim) => renderClaim(claim));
        const read = claimsOf(await entriesOf(await written(claims.map(exported), format)));
        expect(read.map((claim) => renderClaim(claim))).toEqual(rows);
      }),
      { seed, numRuns: format === 'sqlite' ? 15 : 60 },
    );
  });
});

/** What must be the same in every format that carries it. */
const expected = (claim: GeneratedClaim) => ({
  number: claim.number,
  npi: claim.clinic.npi,
  date: claim.date,
  charge: dollars(total(claim, 'charge')),
  diagnoses: claim.diagnoses,
  lines: claim.lines.map(({ code, charge }) => [code, dollars(charge)]),
});

const found = ({ identifier, provider, billablePeriod, total: { charge }, diagnosis, item }: Claim) => ({
  number: identifier.value,
  npi: provider?.id,
  date: billablePeriod.start,
  charge,
  diagnoses: diagnosis.map(({ code }) => code),
  lines: item.map((line) => [line.productOrService?.code, line.charge]),
});

const messagesOf = (entries: Awaited<ReturnType<typeof entriesOf>>): Message[] =>
  entries.flatMap((entry) => ('message' in entry ? [entry.message] : []));

const anyGenerated = fc.uniqueArray(arbitraryGenerated, {
  minLength: 1,
  maxLength: 4,
  selector: ({ number }) => number,
});

describe('any submissions and remittances, written and read again,', () => {
  it.each(['837p', 'fhir', 'ndjson'] as const)(
    'have the same numbers, days, codes and amounts as %s',
    async (format) => {
      await fc.assert(
        fc.asyncProperty(anyGenerated, async (claims) => {
          const entries = await entriesOf([...lines(claims, format)].join(''));
          const read = [
            ...claimsOf(entries),
            ...messagesOf(entries).flatMap((message) => (message.kind === 'submission' ? [message.claim] : [])),
          ];
          expect(read.map(found)).toEqual(claims.map(expected));
        }),
        { seed, numRuns: 60 },
      );
    },
  );

  it('are the same 837 with other separators and line ends', async () => {
    await fc.assert(
      fc.asyncProperty(anyGenerated, async (claims) => {
        const text = [...lines(claims, '837p')].join('');
        const other = text.replaceAll('*', '|').replaceAll(':', '>').replaceAll('~\n', '!\r\n');
        const read = async (content: string) =>
          messagesOf(await entriesOf(content)).map((message) =>
            message.kind === 'submission' ? found(message.claim) : 0,
          );
        expect(await read(other)).toEqual(await read(text));
      }),
      { seed, numRuns: 30 },
    );
  });

  it('balance as an 835, to the cent', async () => {
    await fc.assert(
      fc.asyncProperty(anyGenerated, async (claims) => {
        const messages = messagesOf(await entriesOf([...lines(claims, '835')].join('')));
        expect(
          messages.map((message) => message.kind === 'remittance' && [message.sets.total, message.sets.imbalance]),
        ).toEqual(
          claims.map((claim) => [
            {
              charge: dollars(total(claim, 'charge')),
              allowed: dollars(claim.lines.reduce((sum, line) => sum + allowed(line), 0)),
              paid: dollars(total(claim, 'paid')),
              patientResponsibility: dollars(total(claim, 'copay')),
            },
            undefined,
          ]),
        );
      }),
      { seed, numRuns: 60 },
    );
  });
});
