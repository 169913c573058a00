import { isDeepStrictEqual } from 'node:util';
import { addAmounts } from './amount.ts';
import type { Report, Submission } from './messages.ts';
import type { Claim, ClaimStatus, Item } from './schema.ts';

/**
 * What a claim is after its messages. They are kept under `source`, and with each new one the claim is made again from
 * all of them, in the order of their dates: so the order in which files are loaded does not matter.
 */

type StoredReport = Omit<Report, 'identifiers' | 'taxId'>;

/** Claim frequencies (NUBC). */
const replaces = '7';
export const voids = '8';

/** Whether a submission of this frequency ends the claim that it names. */
export const endsOthers = (frequency: string) => frequency === replaces || frequency === voids;
export const endingBy = (frequency: string): Ending['status'] => (frequency === voids ? 'cancelled' : 'replaced');

/** Another claim that took the place of this one, or voided it. */
export interface Ending {
  status: 'replaced' | 'cancelled';
  date: string;
  by: { system: string; value: string };
}

/** Under `source`. */
interface Kept {
  /** The claim as a format gave it whole, before the first message about it. */
  claim?: Claim;
  submission?: { date: string; reference?: string; frequency: string; status: ClaimStatus; header?: unknown } & Record<
    string,
    unknown
  >;
  reports?: StoredReport[];
  endings?: Ending[];
}

export const payerClaimNumberType = 'payer-claim-control-number';

/** The payer's number of the claim, by which reports and replacements name it. */
export function payerClaimNumber(claim: Claim): string | undefined {
  return claim.otherIdentifier?.find(({ type }) => type === payerClaimNumberType)?.value;
}

/** The claim after the submission; the very one that was known where a later submission has come already. */
export function applySubmission(known: Claim | undefined, submission: Submission): Claim {
  const { claim, date, reference, frequency } = submission;
  if (known === undefined) return firstState(submission);
  const kept: Kept = { ...known.source };
  if (kept.submission) {
    if (frequency === voids) return applyEnding(known, { status: 'cancelled', date, by: claim.identifier });
    if (precedence(kept.submission) > precedence(submission)) return known;
  }
  const { source, status, ...base } = claim;
  if (kept.submission && sentAgain(known, kept, submission)) return known;
  delete kept.claim;
  kept.submission = { date, ...(reference && { reference }), frequency, status, ...source };
  if (frequency === voids) kept.endings = [{ status: 'cancelled', date, by: claim.identifier }];
  return fold({ ...base, status, identifier: known.identifier }, kept);
}

/** What fold makes of a submission alone, without its copies: nearly all submissions are of claims that are new. */
function firstState({ claim, date, reference, frequency }: Submission): Claim {
  const submission = { date, ...(reference && { reference }), frequency, status: claim.status, ...claim.source };
  if (frequency !== voids) return { ...claim, source: { submission } };
  const endings: Ending[] = [{ status: 'cancelled', date, by: claim.identifier }];
  return { ...claim, status: 'cancelled', source: { submission, endings } };
}

/** The submission that alone made this claim. */
export function submissionOf(claim: Claim, taxId: string | undefined): Submission {
  const { submission } = claim.source as Required<Kept>;
  const { date, reference, frequency, status, ...source } = submission;
  return {
    kind: 'submission',
    date,
    reference,
    frequency,
    taxId,
    claim: { ...claim, status, ...(Object.keys(source).length > 0 ? { source } : { source: undefined }) } as Claim,
  };
}

/** Whether nothing but the transaction around the claim is another: its date, number and parties. */
function sentAgain(known: Claim, kept: Kept, { claim, frequency }: Submission): boolean {
  if (kept.submission === undefined) return false;
  const { date, reference, header } = kept.submission;
  const { source, status, ...base } = claim;
  const submission = {
    date,
    ...(reference && { reference }),
    frequency,
    status,
    ...source,
    ...(header ? { header } : {}),
  };
  const created = known.created && { created: known.created };
  const same = fold({ ...base, ...created, identifier: known.identifier, status }, { ...kept, submission });
  return isDeepStrictEqual(JSON.parse(JSON.stringify(same)), known);
}

/** The claim after the report, or undefined where there is no claim and the report alone does not make one. */
export function applyReport(
  known: Claim | undefined,
  report: Report,
  identifier: Claim['identifier'],
): Claim | undefined {
  const kept = keptOf(known);
  const { identifiers: _, taxId: __, ...stored } = report;
  if (known && includes(kept.reports, stored)) return known;
  kept.reports = byDate([...(kept.reports ?? []), stored]);
  const base = kept.submission ? known : (kept.claim ?? draftOf(kept.reports));
  return base && fold({ ...base, identifier: known?.identifier ?? identifier }, kept);
}

export function applyEnding(known: Claim, ending: Ending): Claim {
  const kept = keptOf(known);
  if (includes(kept.endings, ending)) return known;
  kept.endings = byDate([...(kept.endings ?? []), ending]);
  const base = kept.submission ? known : (kept.claim ?? draftOf(kept.reports ?? []) ?? known);
  return fold({ ...base, identifier: known.identifier }, kept);
}

function keptOf(known: Claim | undefined): Kept {
  const kept: Kept = { ...known?.source };
  const isWhole = known && !kept.submission && !kept.reports && !kept.endings;
  if (isWhole) {
    const { source: _, ...claim } = known;
    kept.claim = claim;
  }
  return kept;
}

const includes = <T>(list: T[] | undefined, one: T) => {
  const text = JSON.stringify(one);
  return list?.some((other) => JSON.stringify(other) === text) ?? false;
};

/** Of equal dates, what came later is later. */
const byDate = <T extends { date: string }>(list: T[]): T[] =>
  list.sort((a, b) => (a.date < b.date ? -1 : a.date > b.date ? 1 : 0));

/** The claim with the reports of another that turned out to be the same. */
export function takeOver(claim: Claim, other: Claim): Claim {
  let result = claim;
  for (const report of (other.source as Kept | undefined)?.reports ?? []) {
    result = applyReport(result, { ...report, identifiers: [] }, claim.identifier) ?? result;
  }
  for (const ending of (other.source as Kept | undefined)?.endings ?? []) result = applyEnding(result, ending);
  return result;
}

const frequencyRank = (frequency: string) => (frequency === voids ? 2 : frequency === replaces ? 1 : 0);
const precedence = ({ date, frequency }: Pick<Submission, 'date' | 'frequency'>) =>
  `${date} ${frequencyRank(frequency)}`;

const draftRank = { ledger: 2, remittance: 1, status: 0 };

/** What the reports make of a claim whose submission has not come: the one that says most, and of these the last. */
function draftOf(reports: StoredReport[]): Claim | undefined {
  let best: StoredReport | undefined;
  for (const report of reports) {
    if (report.draft && (best === undefined || draftRank[report.kind] >= draftRank[best.kind])) best = report;
  }
  return best?.draft;
}

function fold(base: Claim, kept: Kept): Claim {
  const claim = kept.submission ? withoutReports(base) : { ...base };
  const { submission, reports = [], endings = [] } = kept;
  claim.status = submission?.status ?? base.status;
  // What was said of a claim before it was replaced is not of the claim that stands now.
  const since = submission?.frequency === replaces ? submission.date : '';
  const current = reports.filter((report) => report.date >= since);
  for (const report of current) {
    if (report.kind !== 'status') continue;
    if (report.status) claim.status = report.status;
    if (report.sets.statusCode) claim.statusCode = report.sets.statusCode;
  }
  const number = reports.findLast((report) => report.payerClaimNumber)?.payerClaimNumber;
  if (number) {
    const others = (claim.otherIdentifier ?? []).filter(({ type }) => type !== payerClaimNumberType);
    claim.otherIdentifier = [...others, { type: payerClaimNumberType, value: number }];
  }
  settle(
    claim,
    current.filter((report) => report.kind !== 'status'),
  );
  const ended = endings.at(-1);
  if (ended) {
    claim.status = ended.status;
    if (ended.by.value !== claim.identifier.value || ended.by.system !== claim.identifier.system) {
      const relationship = ended.status === 'replaced' ? 'replacedBy' : 'voidedBy';
      claim.related = [...(claim.related ?? []), { relationship, ...ended.by }];
    }
  }
  claim.source = inOrder({ ...(base.source ?? {}), ...kept });
  return claim;
}

/** Whatever came first: equal claims are equal texts, by whose hashes a changed one is told. */
function inOrder({ claim, submission, reports, endings, ...others }: Kept & Record<string, unknown>) {
  return {
    ...others,
    ...(claim && { claim }),
    ...(submission && { submission }),
    ...(reports && { reports }),
    ...(endings && { endings }),
  };
}

/** The claim as it was before anything was reported of it. */
function withoutReports(claim: Claim): Claim {
  const {
    statusCode: _,
    adjudication: __,
    remark: ___,
    payment: ____,
    imbalance: _____,
    total,
    item,
    related,
    ...rest
  } = claim;
  const others = related?.filter(({ relationship }) => relationship !== 'replacedBy' && relationship !== 'voidedBy');
  return {
    ...rest,
    ...(others && others.length > 0 && { related: others }),
    total: total.charge === undefined ? {} : { charge: total.charge },
    item: item
      .filter((line) => line.reported !== true)
      .map(({ allowed: _, paid: __, adjudication: ___, remark: ____, ...line }) => line),
  };
}

/** Sets what payers paid: of each payer the last word on each of its claim numbers, over all payers together. */
function settle(claim: Claim, reports: StoredReport[]): void {
  const effective: StoredReport[] = [];
  const before = new Map<StoredReport, StoredReport | undefined>();
  let reversed: StoredReport | undefined;
  for (const report of reports) {
    const samePayer = effective.filter((other) => payerKey(other) === payerKey(report));
    const same = samePayer.filter((other) => other.payerClaimNumber === report.payerClaimNumber);
    if (report.status === 'reversed') {
      const meant = (same.length > 0 ? same : samePayer).filter((other) => !corrects(other, report, before.get(other)));
      for (const other of meant) effective.splice(effective.indexOf(other), 1);
      reversed = report;
    } else {
      for (const other of same) effective.splice(effective.indexOf(other), 1);
      effective.push(report);
      before.set(report, same.at(-1));
    }
  }
  const last = effective.at(-1);
  if (last === undefined) {
    if (reversed === undefined) return;
    claim.status = 'reversed';
    claim.total = { ...claim.total, paid: '0.00' };
    if (reversed.sets.payment) claim.payment = reversed.sets.payment;
    return;
  }
  if (last.status) claim.status = last.status;
  const amounts = (of: 'allowed' | 'paid' | 'patientResponsibility', from: StoredReport[]) => {
    const found = from.flatMap((report) => report.sets.total?.[of] ?? []);
    return found.length > 0 ? { [of]: addAmounts(found) } : {};
  };
  const ofLastPayer = effective.filter((report) => payerKey(report) === payerKey(last));
  claim.total = {
    ...claim.total,
    ...(claim.total.charge === undefined && last.sets.total?.charge ? { charge: last.sets.total.charge } : {}),
    ...amounts('allowed', ofLastPayer),
    ...amounts('paid', effective),
    ...amounts('patientResponsibility', ofLastPayer),
  };
  for (const { sets } of effective) {
    if (sets.adjudication) claim.adjudication = [...(claim.adjudication ?? []), ...sets.adjudication];
    if (sets.remark) claim.remark = [...(claim.remark ?? []), ...sets.remark];
    if (sets.imbalance) claim.imbalance = [...(claim.imbalance ?? []), ...sets.imbalance];
    if (sets.payment) claim.payment = sets.payment;
    if (sets.item) claim.item = withLines(claim.item, sets.item);
  }
}

/**
 * Whether a report is the correction that came with the reversal, and before it: a remittance has both (X221A1, 1.10.2.8),
 * in any order, and a payer may keep its number of the claim. The reversal is of what it takes back to the cent.
 */
function corrects(report: StoredReport, reversal: StoredReport, before: StoredReport | undefined): boolean {
  if (report.date !== reversal.date || report.reference !== reversal.reference) return false;
  return (before !== undefined && takesBack(reversal, before)) || !takesBack(reversal, report);
}

const takesBack = ({ sets: { total: back = {} } }: StoredReport, { sets: { total = {} } }: StoredReport) =>
  [
    [total.charge, back.charge],
    [total.paid, back.paid],
  ].every((amounts) => addAmounts(amounts.map((amount) => amount ?? '0.00')) === '0.00');

const payerKey = ({ payer }: StoredReport) => payer?.id ?? payer?.name ?? '';

/** Adds what was decided of each line to the line it is of; a line that the claim has not becomes one of it. */
function withLines(items: Item[], decided: Item[]): Item[] {
  const result = items.map((item) => ({ ...item }));
  const free = new Set(result);
  const settleLine = (item: Item, line: Item) => {
    // A payer may split a line; where it is another payer's word, the last one tells what is allowed.
    const isSplit = !free.delete(item);
    if (line.allowed) item.allowed = isSplit && item.allowed ? addAmounts([item.allowed, line.allowed]) : line.allowed;
    if (line.paid) item.paid = item.paid ? addAmounts([item.paid, line.paid]) : line.paid;
    if (line.adjudication) item.adjudication = [...(item.adjudication ?? []), ...line.adjudication];
    if (line.remark) item.remark = [...(item.remark ?? []), ...line.remark];
  };
  const others: Item[] = [];
  for (const line of decided) {
    const item = find(free, line) ?? result.find((other) => isNumbered(other, line));
    if (item) settleLine(item, line);
    else others.push(line);
  }
  // Only after all that agree by their service: a payer that decided on another one leaves charge and day.
  for (const line of others) {
    const item = [...free].find((other) => isRecoded(other, line));
    if (item) {
      settleLine(item, line);
      continue;
    }
    const sequence = result.reduce((most, { sequence }) => Math.max(most, sequence), 0) + 1;
    result.push({
      ...line,
      sequence: result.some((other) => other.sequence === line.sequence) ? sequence : line.sequence,
      reported: true,
    });
  }
  return result;
}

const isNumbered = (item: Item, { controlNumber }: Item) =>
  controlNumber !== undefined && item.controlNumber === controlNumber;

const isRecoded = (item: Item, line: Item) =>
  item.charge === line.charge &&
  item.charge !== '0.00' &&
  (item.servicedPeriod?.start ?? '') === (line.servicedPeriod?.start ?? item.servicedPeriod?.start ?? '');

const service = ({ productOrService, revenue }: Item) => productOrService?.code ?? revenue;

function find(items: Set<Item>, line: Item): Item | undefined {
  const all = [...items];
  const by = (test: (item: Item) => boolean) => all.find(test);
  const sameService = (item: Item) => service(item) !== undefined && service(item) === service(line);
  return (
    by((item) => isNumbered(item, line)) ||
    by(
      (item) =>
        sameService(item) &&
        item.charge === line.charge &&
        (item.modifier ?? []).join() === (line.modifier ?? []).join(),
    ) ||
    by((item) => sameService(item) && item.charge === line.charge) ||
    by((item) => sameService(item)) ||
    (service(line) === undefined ? by((item) => item.sequence === line.sequence) : undefined)
  );
}
