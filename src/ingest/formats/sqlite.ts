import { DatabaseSync } from 'node:sqlite';
import { pathToFileURL } from 'node:url';
import { parseAmount } from '../../claims/amount.ts';
import { codeSystems, diagnosisSystemOn } from '../../claims/codes.ts';
import { calendarDate } from '../../claims/date.ts';
import { Fault } from '../../claims/render.ts';
import {
  type Claim,
  type ClaimStatus,
  type ClaimType,
  claimStatuses,
  claimTypes,
  type Gender,
} from '../../claims/schema.ts';
import { type Entry, type Format, Refusal, type Resume } from '../format.ts';
import type { InputFile } from '../input.ts';

/**
 * A SQLite database with a table `claims`, a row a claim, whose columns are found by name. Columns that are not known
 * are kept under `source`.
 */
export const sqlite: Format = {
  name: 'sqlite',
  unit: 'row',
  rank: 1,
  detect: (head) => head.toString('latin1', 0, 16) === 'SQLite format 3\0',
  read: readRows,
};

/** The source system of the claims' numbers. */
const system = 'claims.db';

/** The names that a column goes by, lower case and without underscores, the first being ours. */
const columnNames = {
  number: ['claimid', 'claimnumber', 'claimno', 'clmid', 'id'],
  patient: ['patientid', 'memberid', 'subscriberid', 'beneficiaryid', 'beneid', 'patient', 'member'],
  birthDate: ['birthdate', 'dateofbirth', 'dob', 'patientdob', 'patientbirthdate'],
  gender: ['gender', 'sex', 'patientgender', 'patientsex'],
  family: ['lastname', 'familyname', 'patientlastname'],
  given: ['firstname', 'givenname', 'patientfirstname'],
  type: ['type', 'claimtype'],
  status: ['status', 'claimstatus'],
  provider: ['providerid', 'providernpi', 'npi', 'billingprovider', 'provider'],
  providerName: ['providername'],
  payer: ['payerid', 'insurerid', 'payer', 'insurer', 'planid'],
  payerName: ['payername', 'insurername'],
  start: [
    'servicedate',
    'servicefrom',
    'servicestart',
    'servicestartdate',
    'dateofservice',
    'fromdate',
    'startdate',
    'dos',
    'claimdate',
  ],
  end: ['servicedateend', 'serviceto', 'serviceend', 'serviceenddate', 'thrudate', 'todate', 'enddate'],
  created: ['created', 'createdat', 'receiveddate', 'submitteddate', 'submissiondate'],
  diagnosis: ['diagnosis', 'diagnosiscode', 'diagnoses', 'diagnosiscodes', 'icd10', 'icd10code', 'icdcode', 'dxcode'],
  procedure: ['procedure', 'procedurecode', 'procedures', 'procedurecodes', 'cpt', 'cptcode', 'hcpcs', 'hcpcscode'],
  charge: ['charge', 'chargeamount', 'billedamount', 'totalcharge', 'claimamount', 'totalamount', 'amount'],
  allowed: ['allowed', 'allowedamount'],
  paid: ['paid', 'paidamount', 'paymentamount'],
  patientResponsibility: ['patientresponsibility', 'patientpaid', 'patientamount', 'copay'],
} as const;
type Field = keyof typeof columnNames;

/** What other systems call a state, as far as there is one meaning to it. */
const statuses = new Map<string, ClaimStatus>([
  ...claimStatuses.map((status) => [status, status] as const),
  ['approved', 'paid'],
  ['processed', 'paid'],
  ['received', 'submitted'],
  ['open', 'submitted'],
  ['in review', 'pending'],
  ['void', 'cancelled'],
  ['voided', 'cancelled'],
  ['canceled', 'cancelled'],
]);
const types = new Map<string, ClaimType>([
  ...claimTypes.map((type) => [type, type] as const),
  ['dental', 'oral'],
  ['medical', 'professional'],
]);
const genders = new Map<string, Gender>([
  ['f', 'female'],
  ['female', 'female'],
  ['m', 'male'],
  ['male', 'male'],
  ['o', 'other'],
  ['other', 'other'],
  ['u', 'unknown'],
  ['unknown', 'unknown'],
]);

type Row = Record<string, unknown>;

async function* readRows(file: InputFile, resume?: Resume): AsyncGenerator<Entry> {
  const database = open(file.path);
  try {
    const columns = mapColumns(database);
    const rows = database.prepare('select rowid as "claims.rowid", * from claims where rowid > ? order by rowid');
    rows.setReadBigInts(true);
    let position = resume?.position ?? 0;
    for (const row of rows.iterate(resume?.offset ?? Number.MIN_SAFE_INTEGER) as Iterable<Row>) {
      position += 1;
      const offset = Number(row['claims.rowid']);
      delete row['claims.rowid'];
      yield { ...readRow(row, columns, position), resume: { offset, position } };
    }
  } catch (error) {
    if (error instanceof Refusal) throw error;
    throw new Refusal(
      `its table claims cannot be read (${(error as { errcode?: number }).errcode ?? (error as Error).name})`,
    );
  } finally {
    database.close();
  }
}

/** Immutable: the directory is mounted read-only, where SQLite could make neither its lock nor its journal files. */
function open(path: string): DatabaseSync {
  const url = pathToFileURL(path);
  url.searchParams.set('immutable', '1');
  try {
    return new DatabaseSync(url, { readOnly: true });
  } catch (error) {
    throw new Refusal('cannot be opened as a SQLite database', { cause: error });
  }
}

function mapColumns(database: DatabaseSync): Map<Field, string> {
  const found = (database.prepare("select name from pragma_table_info('claims')").all() as { name: string }[]).map(
    (row) => row.name,
  );
  if (found.length === 0) throw new Refusal('expected a table named claims, found none');
  const byName = new Map(found.map((name) => [name.toLowerCase().replaceAll('_', ''), name]));
  const columns = new Map<Field, string>();
  for (const [field, names] of Object.entries(columnNames) as [Field, readonly string[]][]) {
    const name = names.find((candidate) => byName.has(candidate));
    if (name) columns.set(field, byName.get(name) as string);
  }
  for (const field of ['number', 'patient', 'start'] as const) {
    if (!columns.has(field)) {
      throw new Refusal(
        `expected a column of its table claims named like one of ${columnNames[field].join(', ')}, found none`,
      );
    }
  }
  return columns;
}

function readRow(row: Row, columns: Map<Field, string>, position: number) {
  const reader = new RowReader(row, columns);
  let number: string | undefined;
  try {
    number = reader.required('number');
    return { claim: rowClaim(reader, number), position };
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    return { reject: { position, claim: number, field: error.field, reason: error.reason } };
  }
}

function rowClaim(row: RowReader, number: string): Claim {
  const start = row.date('start');
  if (start === undefined) throw row.fault('start', 'expected a day, found nothing');
  const end = row.date('end') ?? start;
  const provider = row.text('provider');
  const providerName = row.text('providerName', 200);
  const payer = row.text('payer');
  const payerName = row.text('payerName', 200);
  const family = row.text('family', 200);
  const given = row.text('given', 200);
  const birthDate = row.date('birthDate');
  const gender = row.oneOf('gender', genders);
  const created = row.date('created');
  const procedures = row.codes('procedure');
  const total = Object.fromEntries(
    (['charge', 'allowed', 'paid', 'patientResponsibility'] as const).flatMap((field) => {
      const amount = row.amount(field);
      return amount ? [[field, amount]] : [];
    }),
  );
  const { patientResponsibility: _, ...itemAmounts } = total;
  const claim: Claim = {
    identifier: { system, value: number },
    type: row.oneOf('type', types) ?? 'professional',
    use: 'claim',
    status: row.oneOf('status', statuses) ?? 'submitted',
    ...(created && { created }),
    patient: {
      id: row.required('patient'),
      ...((family || given) && { name: { ...(family && { family }), ...(given && { given }) } }),
      ...(birthDate && { birthDate }),
      ...(gender && { gender }),
    },
    ...((payer || payerName) && {
      insurer: { id: payer ?? (payerName as string).slice(0, 100), ...(payerName && { name: payerName }) },
    }),
    ...(provider && {
      provider: {
        id: provider,
        ...(/^\d{10}$/.test(provider) && { npi: provider }),
        ...(providerName && { name: providerName }),
      },
    }),
    billablePeriod: { start, end },
    diagnosis: row.codes('diagnosis').map((code, index) => ({
      sequence: index + 1,
      ...(index === 0 && { type: 'principal' }),
      system: diagnosisSystemOn(start),
      code,
    })),
    procedure: [],
    item: procedures.map((code, index) => ({
      sequence: index + 1,
      servicedPeriod: { start, end },
      productOrService: { system: codeSystems.hcpcs, code },
      // With several procedures, nothing says how much of the amounts is of which.
      ...(procedures.length === 1 && itemAmounts),
    })),
    total,
  };
  const source = row.untaken();
  return source ? { ...claim, source } : claim;
}

/** A row's columns by what they mean. */
class RowReader {
  readonly #row: Row;
  readonly #columns: Map<Field, string>;
  readonly #taken = new Set<string>();

  constructor(row: Row, columns: Map<Field, string>) {
    this.#row = row;
    this.#columns = columns;
  }

  fault(field: Field, reason: string): Fault {
    return new Fault(this.#columns.get(field) ?? columnNames[field][0], reason);
  }

  text(field: Field, maxLength = 100): string | undefined {
    const column = this.#columns.get(field);
    const value = column === undefined ? null : this.#row[column];
    if (value === null || value === undefined) return undefined;
    if (value instanceof Uint8Array) throw this.fault(field, 'expected text or a number, found a blob');
    const text = String(value).trim();
    if (text === '') return undefined;
    if (text.length > maxLength)
      throw this.fault(field, `expected at most ${maxLength} characters, found ${text.length}`);
    this.#taken.add(column as string);
    return text;
  }

  required(field: Field): string {
    const value = this.text(field);
    if (value === undefined) throw this.fault(field, 'expected a value, found none');
    return value;
  }

  /** A REAL is taken as the shortest decimal that is it, which is what was put in where that had cents. */
  amount(field: Field): string | undefined {
    const text = this.text(field)?.replace(/^\$/, '').replaceAll(',', '');
    if (text === undefined) return undefined;
    const amount = parseAmount(text);
    if (amount === undefined)
      throw this.fault(field, 'expected dollars and cents, such as 1234.50, with at most 12 digits before the point');
    return amount;
  }

  date(field: Field): string | undefined {
    const text = this.text(field);
    if (text === undefined) return undefined;
    const iso = /^(\d{4})-?(\d{2})-?(\d{2})(?:[T ].*)?$/.exec(text);
    const american = /^(\d{1,2})\/(\d{1,2})\/(\d{4})$/.exec(text);
    const date = iso
      ? calendarDate(Number(iso[1]), Number(iso[2]), Number(iso[3]))
      : american
        ? calendarDate(Number(american[3]), Number(american[1]), Number(american[2]))
        : undefined;
    if (date === undefined)
      throw this.fault(field, 'expected a day of the calendar as yyyy-mm-dd, yyyymmdd or mm/dd/yyyy');
    return date;
  }

  oneOf<T>(field: Field, codes: ReadonlyMap<string, T>): T | undefined {
    const text = this.text(field)?.toLowerCase();
    if (text === undefined) return undefined;
    const meaning = codes.get(text);
    if (meaning === undefined)
      throw this.fault(field, `expected one of ${[...codes.keys()].join(', ')}, found another`);
    return meaning;
  }

  /** One code, several with separators between them, or a JSON array of them. */
  codes(field: Field): string[] {
    const text = this.text(field, 4000);
    if (text === undefined) return [];
    const codes = text
      .replaceAll(/[[\]"]/g, '')
      .split(/[\s,;|]+/)
      .filter((code) => code !== '');
    if (codes.some((code) => code.length > 50)) throw this.fault(field, 'expected codes of at most 50 characters');
    return codes;
  }

  untaken(): Record<string, string> | undefined {
    const rest: Record<string, string> = {};
    for (const [column, value] of Object.entries(this.#row)) {
      if (this.#taken.has(column) || value === null || value === '') continue;
      rest[column] = value instanceof Uint8Array ? Buffer.from(value).toString('base64') : String(value);
    }
    return Object.keys(rest).length > 0 ? rest : undefined;
  }
}
