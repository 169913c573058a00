import { addAmounts } from '../../claims/amount.ts';
import type { Report } from '../../claims/messages.ts';
import { Fault } from '../../claims/render.ts';
import type { Claim, Item } from '../../claims/schema.ts';
import { type CsvRecord, csvHeader, readCsv } from '../csv.ts';
import { type Entry, type Format, Refusal, type Resume } from '../format.ts';
import type { InputFile } from '../input.ts';
import { CsvRow, columnsByName } from './csv-row.ts';
import { firstLine } from './rif.ts';

/** The CSV export of Synthea: a claim's header in claims.csv, its charges and payments in claims_transactions.csv. */

const defaultSystem = 'urn:synthea:claim';
const patientSystem = 'urn:synthea:patient';
const snomed = 'SNOMED CT';

const hasColumns = (head: Buffer, ...wanted: string[]) => {
  const names = (csvHeader(firstLine(head))?.names ?? []).map((name) => name.toUpperCase());
  return wanted.every((name) => names.includes(name));
};

export const syntheaClaims: Format = {
  name: 'synthea-claims',
  unit: 'record',
  rank: 1,
  detect: (head) => hasColumns(head, 'ID', 'PATIENTID', 'SERVICEDATE', 'HEALTHCARECLAIMTYPEID1'),
  read: readClaims,
};

export const syntheaTransactions: Format = {
  name: 'synthea-transactions',
  unit: 'record',
  rank: 2,
  detect: (head) => hasColumns(head, 'CLAIMID', 'CHARGEID', 'PATIENTID', 'TRANSFERTYPE'),
  read: readTransactions,
};

async function* readClaims(file: InputFile, resume?: Resume): AsyncGenerator<Entry> {
  let columns: ReadonlyMap<string, number> | undefined;
  for await (const { names, record } of readCsv(file)) {
    columns ??= columnsByName(names);
    if (resume && record.number <= resume.position) continue;
    const place = { offset: 0, position: record.number };
    const row = new CsvRow(columns, record.fields);
    try {
      if (record.fault) throw new Fault('record', record.fault);
      const claim = header(row, file.source ?? defaultSystem);
      const date = claim.billablePeriod.start;
      yield { message: { kind: 'submission', claim, date, frequency: '1' }, position: record.number, resume: place };
    } catch (error) {
      yield reject(error, record.number, record.fields[columns.get('ID') ?? -1], place);
    }
  }
}

function reject(error: unknown, position: number, claim: string | undefined, resume: Resume): Entry {
  if (!(error instanceof Fault)) throw error;
  return {
    reject: { position, ...(claim && { claim: claim.slice(0, 100) }), field: error.field, reason: error.reason },
    resume,
  };
}

function header(row: CsvRow, system: string): Claim {
  const date = row.requiredDate('SERVICEDATE');
  const kind = row.text('HEALTHCARECLAIMTYPEID1');
  const insurer = row.peek('PRIMARYPATIENTINSURANCEID') === '0' ? undefined : row.text('PRIMARYPATIENTINSURANCEID');
  const second = row.text('SECONDARYPATIENTINSURANCEID');
  const provider = row.text('PROVIDERID');
  const team = [
    ['referring', 'REFERRINGPROVIDERID'],
    ['supervising', 'SUPERVISINGPROVIDERID'],
  ].flatMap(([role = '', column = '']) => {
    const id = row.text(column);
    return id ? [{ role, id }] : [];
  });
  const codes = Array.from({ length: 8 }, (_, index) => row.text(`DIAGNOSIS${index + 1}`, 50));
  const identifier = { system, value: row.required('ID') };
  const patient = { system: patientSystem, id: row.required('PATIENTID') };
  const source = row.untaken();
  return {
    identifier,
    type: kind === '2' ? 'institutional' : 'professional',
    use: 'claim',
    // Closed with its insurer: adjudicated.
    status: source?.STATUS1 === 'CLOSED' ? 'paid' : 'submitted',
    patient,
    ...(insurer && { insurer: { id: insurer } }),
    ...(provider && { provider: { id: provider } }),
    ...(team.length > 0 && { careTeam: team }),
    billablePeriod: { start: date, end: date },
    diagnosis: codes.flatMap((code, index) => (code ? [{ sequence: index + 1, system: snomed, code }] : [])),
    procedure: [],
    item: [],
    ...(second && second !== '0' && { insurance: [{ responsibility: 'secondary', insurer: { id: second } }] }),
    total: {},
    ...(source && { source }),
  };
}

async function* readTransactions(file: InputFile, resume?: Resume): AsyncGenerator<Entry> {
  const seen = new Set<string>();
  let columns: ReadonlyMap<string, number> | undefined;
  let open: { number: string; records: CsvRecord[] } | undefined;
  const finish = function* (): Generator<Entry> {
    if (open === undefined || columns === undefined) return;
    const { number, records } = open;
    const last = records.at(-1) as CsvRecord;
    if (resume && last.number <= resume.position) return;
    const place = { offset: 0, position: last.number };
    const position = (records[0] as CsvRecord).number;
    try {
      const broken = records.find(({ fault }) => fault !== undefined);
      if (broken) throw new Fault('record', broken.fault as string);
      const rows = records.map(({ fields }) => new CsvRow(columns as ReadonlyMap<string, number>, fields));
      yield { message: ledger(number, rows, file.source ?? defaultSystem), position, resume: place };
    } catch (error) {
      yield reject(error, position, number, place);
    }
  };
  for await (const { names, record } of readCsv(file)) {
    columns ??= columnsByName(names);
    const number = record.fields[columns.get('CLAIMID') ?? -1]?.trim() ?? '';
    if (open && number === open.number) {
      open.records.push(record);
      continue;
    }
    yield* finish();
    if (seen.has(number)) {
      throw new Refusal(
        `the records of a claim do not stand together (record ${record.number}); sort the file by CLAIMID`,
      );
    }
    seen.add(number);
    open = { number, records: [record] };
  }
  yield* finish();
}

/** How patients pay; insurers pay by ECHECK. */
const patientMethods = new Set(['COPAY', 'CASH', 'CHECK', 'CC']);

/** What was charged, paid, adjusted and passed on for a claim. */
function ledger(number: string, rows: CsvRow[], system: string): Report {
  if (number === '') throw new Fault('CLAIMID', 'expected a value, found none');
  const first = rows[0] as CsvRow;
  const patientId = first.required('PATIENTID');
  const items = new Map<string, Item>();
  const paidByPatient: string[] = [];
  let line: string | undefined;
  let start: string | undefined;
  let end: string | undefined;
  const rest: Record<string, string>[] = [];
  for (const row of rows) {
    row.text('CLAIMID');
    row.text('PATIENTID');
    const charge = row.required('CHARGEID');
    const type = row.required('TYPE');
    const from = row.date('FROMDATE');
    const to = row.date('TODATE') ?? from;
    if (from && (start === undefined || from < start)) start = from;
    if (to && (end === undefined || to > end)) end = to;
    // Synthea numbers each transaction anew: those of a charge stand behind it.
    if (type === 'CHARGE' || line === undefined) line = charge;
    const known = items.has(charge) ? charge : line;
    const item = items.get(known) ?? { sequence: items.size + 1 };
    items.set(known, item);
    if (type === 'CHARGE') {
      const code = row.text('PROCEDURECODE', 50);
      const modifier = ['MODIFIER1', 'MODIFIER2'].flatMap((column) => row.text(column, 10) ?? []);
      const amount = row.amount('AMOUNT');
      const quantity = row.decimal('UNITS');
      if (from) item.servicedPeriod = { start: from, end: to && to > from ? to : from };
      if (code) item.productOrService = { system: snomed, code };
      if (modifier.length > 0) item.modifier = modifier;
      if (quantity) item.quantity = quantity;
      if (amount) item.charge = amount;
    } else if (type === 'PAYMENT') {
      const amount = row.amount('PAYMENTS') ?? row.amount('AMOUNT') ?? '0.00';
      if (row.text('TRANSFERTYPE') === 'p' || patientMethods.has(row.peek('METHOD') ?? '')) paidByPatient.push(amount);
      else item.paid = addAmounts([item.paid ?? '0.00', amount]);
    } else if (type === 'ADJUSTMENT') {
      const amount = row.amount('ADJUSTMENTS') ?? row.amount('AMOUNT') ?? '0.00';
      item.adjudication = [...(item.adjudication ?? []), { category: 'adjustment', amount }];
    }
    // Sums, and lines without what belongs to which: the ledger is kept as it is.
    row.leave('CHARGEID', 'TYPE', 'AMOUNT', 'PAYMENTS', 'ADJUSTMENTS', 'FROMDATE', 'TODATE', 'TRANSFERTYPE');
    const untaken = row.untaken();
    if (untaken) rest.push(untaken);
  }
  const item = [...items.values()];
  const sum = (name: 'charge' | 'paid') => {
    const amounts = item.flatMap((line) => line[name] ?? []);
    return amounts.length > 0 ? { [name]: addAmounts(amounts) } : {};
  };
  const share = paidByPatient.length > 0 ? { patientResponsibility: addAmounts(paidByPatient) } : {};
  const total: Claim['total'] = { ...sum('charge'), ...sum('paid'), ...share };
  if (end === undefined || start === undefined)
    throw new Fault('FROMDATE', 'expected a day in one of the records of the claim, found none');
  const identifier = { system, value: number };
  return {
    kind: 'ledger',
    date: end,
    identifiers: [identifier],
    draft: {
      identifier,
      type: 'professional',
      use: 'claim',
      status: 'submitted',
      patient: { system: patientSystem, id: patientId },
      billablePeriod: { start, end },
      diagnosis: [],
      procedure: [],
      item: [],
      total: total.charge ? { charge: total.charge } : {},
    },
    sets: { total, item },
    ...(rest.length > 0 && { source: { transactions: rest } }),
  };
}
