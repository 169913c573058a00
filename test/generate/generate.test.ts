import { createHash } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { addAmounts } from '../../src/claims/amount.ts';
import { applyReport, applySubmission } from '../../src/claims/lifecycle.ts';
import type { Message, Report, Submission } from '../../src/claims/messages.ts';
import type { Claim } from '../../src/claims/schema.ts';
import { generated, lines } from '../../src/generate/command.ts';
import type { Entry } from '../../src/ingest/format.ts';
import { detectFormat } from '../../src/ingest/formats/index.ts';
import { openInput, readHead } from '../../src/ingest/input.ts';
import { temporaryDirectory } from '../support/files.ts';

const directory = await temporaryDirectory();
const formats = ['rif', '837p', '837i', '835', 'fhir', 'ndjson'] as const;
type Written = (typeof formats)[number];

const text = (format: Written, claims = 200, seed = 1) => [...lines(generated(seed, claims), format)].join('');

async function read(format: Written, claims = 200): Promise<Entry[]> {
  const path = join(directory, `${format}-${claims}`);
  await writeFile(path, text(format, claims));
  const entries: Entry[] = [];
  for await (const entry of detectFormat(await readHead(path))?.read(openInput(path)) ?? []) entries.push(entry);
  return entries;
}
const messages = (entries: Entry[]): Message[] =>
  entries.flatMap((entry) => ('message' in entry ? [entry.message] : []));
const claimsOf = (entries: Entry[]): Claim[] =>
  entries.flatMap((entry) =>
    'claim' in entry
      ? [entry.claim]
      : 'message' in entry && entry.message.kind === 'submission'
        ? [entry.message.claim]
        : [],
  );

describe('generated claims', () => {
  it.each(formats)('as %s are the same bytes for the same seed, and others for another', (format) => {
    const hash = (seed: number) =>
      createHash('sha256')
        .update(text(format, 50, seed))
        .digest('hex');
    expect(hash(1)).toBe(hash(1));
    expect(hash(2)).not.toBe(hash(1));
  });

  it.each(formats)('as %s are read without a reject or a warning', async (format) => {
    const entries = await read(format);
    expect(entries.filter((entry) => 'reject' in entry || 'warning' in entry)).toEqual([]);
    expect(entries).toHaveLength(200);
  });

  it('charge the same in every format', async () => {
    const charges = async (format: Written) =>
      claimsOf(await read(format))
        .map(({ identifier, total }) => `${identifier.value} ${total.charge}`)
        .sort();
    const expected = await charges('ndjson');
    for (const format of ['rif', '837p', '837i', 'fhir'] as const) expect(await charges(format)).toEqual(expected);
  });

  it('of an 837 and its 835 fit together: each remittance finds its claim, and what it pays balances', async () => {
    const submitted = new Map(
      (messages(await read('837p')) as Submission[]).map((one) => [one.claim.identifier.value, one]),
    );
    const remitted = messages(await read('835')) as Report[];
    expect(remitted).toHaveLength(submitted.size);
    const canonical = new Map(claimsOf(await read('ndjson')).map((claim) => [claim.identifier.value, claim]));
    for (const report of remitted) {
      const number = report.identifiers[0]?.value ?? '';
      const submission = submitted.get(number) as Submission;
      expect(report.identifiers[0]).toEqual(submission.claim.identifier);
      expect(report.sets).not.toHaveProperty('imbalance');
      const claim = applyReport(applySubmission(undefined, submission), report, submission.claim.identifier) as Claim;
      expect(claim.item.every(({ reported }) => reported === undefined)).toBe(true);
      expect(claim.total).toEqual(canonical.get(number)?.total);
      expect(claim.status).toBe(canonical.get(number)?.status);
      expect(addAmounts(claim.item.map(({ paid = '' }) => paid))).toBe(claim.total.paid);
    }
  });

  it('are several transactions where an 837 would hold more than 5,000', async () => {
    const sets = text('837p', 5001).match(/~\nST\*/g);
    expect(sets).toHaveLength(2);
  });
});
