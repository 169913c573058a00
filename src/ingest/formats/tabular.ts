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
import { Refusal } from '../format.ts';
import type { Read } from './json.ts';

/*
 * A table, a row a claim, whose columns are found by name. Columns that are not known are kept under `source`.
 */

/** The names that a column goes by, in lower case and without what parts words. */
const columnNames = {
  system: ['identifiersystem'],
  number: ['claimid', 'claimnumber', 'claimno', 'clmid', 'identifiervalue', 'id'],
  patient: ['patientid', 'memberid', 'subscriberid', 'beneficiaryid', 'beneid', 'patient', 'member'],
  birthDate: ['birthdate', 'dateofbirth', 'dob', 'patientdob', 'patientbirthdate'],
  gender: ['gender', 'sex', 'patientgender', 'patientsex'],
  family: ['lastname', 'familyname', 'patientlastname'],
  given: ['firstname', 'givenname', 'patientfirstname'],
  type: ['type', 'claimtype'],
  subType: ['subtype', 'claimsubtype'],
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

/** The columns of a table by what they mean. Throws Refusal where those are missing without which there is no claim. */
export class TableColumns {
  readonly names: readonly string[];
  readonly #byField = new Map<Field, number>();

  constructor(names: readonly string[]) {
    this.names = distinctNames(names);
    const plain = plainNames(names);
    for (const [field, known] of Object.entries(columnNames) as [Field, readonly string[]][]) {
      const found = known.map((name) => plain.indexOf(name)).find((index) => index >= 0);
      if (found !== undefined) this.#byField.set(field, found);
    }
    for (const field of needed) {
      if (this.#byField.has(field)) continue;
      throw new Refusal(`expected a column named like one of ${columnNames[field].join(', ')}, found none`);
    }
  }

  index(field: Field): number | undefined {
    return this.#byField.get(field);
  }

  /** As a reject names it. */
  name(field: Field): string {
    return this.names[this.#byField.get(field) ?? -1] ?? columnNames[field][0];
  }
}

/** What has no name, or the name of a column before it, still goes to `source` under a name of its own. */
function distinctNames(names: readonly string[]): string[] {
  const distinct: string[] = [];
  for (const [index, name] of names.entries()) {
    const wanted = name.trim() || `column ${index + 1}`;
    distinct.push(distinct.includes(wanted) ? `${wanted} (column ${index + 1})` : wanted);
  }
  return distinct;
}

const needed = ['number', 'patient', 'start'] as const;

const plainNames = (names: readonly string[]) => names.map((name) => name.toLowerCase().replaceAll(/[\s_-]/g, ''));

/**
 * Whether the columns are those of claims, told by nothing but their names. A number that is called id alone can be of
 * anything that patients have, so then an amount must stand beside it.
 */
export function areOfClaims(names: readonly string[]): boolean {
  const plain = plainNames(names);
  const has = (field: Field) => columnNames[field].some((name) => plain.includes(name));
  if (!needed.every(has)) return false;
  return plain.some((name) => name !== 'id' && columnNames.number.some((known) => known === name)) || has('charge');
}

/** A claim of a row's cells, or the reject that says why there is none. */
export function readRow(cells: readonly unknown[], columns: TableColumns, system: string, position: number): Read {
  const row = new RowReader(cells, columns);
  let number: string | undefined;
  try {
    number = row.required('number');
    return { claim: rowClaim(row, system, number), position };
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    return { reject: { position, ...(number && { claim: number }), field: error.field, reason: error.reason } };
  }
}

/** The day of a cell, in any of the ways that tables write one. */
export function readDay(text: string): string | undefined {
  const iso = /^(\d{4})-?(\d{2})-?(\d{2})(?:[T ].*)?$/.exec(text);
  if (iso) return calendarDate(Number(iso[1]), Number(iso[2]), Number(iso[3]));
  const american = /^(\d{1,2})\/(\d{1,2})\/(\d{4})$/.exec(text);
  return american ? calendarDate(Number(american[3]), Number(american[1]), Number(american[2])) : undefined;
}

const grouped = /^[-+]?\d{1,3}(?:,\d{3})+(?:\.\d*)?$/;

/**
 * The amount of a cell, as tables write one. Commas are taken where they part thousands and nowhere else: in "12,50"
 * there are no twelve hundred and fifty dollars.
 */
export function readAmount(text: string): string | undefined {
  const number = text.replace(/^([-+]?)\$/, '$1');
  return parseAmount(grouped.test(number) ? number.replaceAll(',', '') : number);
}

function rowClaim(row: RowReader, system: string, number: string): Claim {
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
  const subType = row.text('subType', 50);
  const procedures = row.codes('procedure');
  const total = Object.fromEntries(
    (['charge', 'allowed', 'paid', 'patientResponsibility'] as const).flatMap((field) => {
      const amount = row.amount(field);
      return amount ? [[field, amount]] : [];
    }),
  );
  const { patientResponsibility: _, ...itemAmounts } = total;
  const claim: Claim = {
    identifier: { system: row.text('system', 200) ?? system, value: number },
    type: row.oneOf('type', types) ?? 'professional',
    ...(subType && { subType }),
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
    ...((provider || providerName) && {
      provider: {
        id: provider ?? (providerName as string).slice(0, 100),
        ...(provider && /^\d{10}$/.test(provider) && { npi: provider }),
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
  readonly #cells: readonly unknown[];
  readonly #columns: TableColumns;
  readonly #taken = new Set<number>();

  constructor(cells: readonly unknown[], columns: TableColumns) {
    this.#cells = cells;
    this.#columns = columns;
  }

  fault(field: Field, reason: string): Fault {
    return new Fault(this.#columns.name(field), reason);
  }

  text(field: Field, maxLength = 100): string | undefined {
    const column = this.#columns.index(field);
    const value = column === undefined ? null : this.#cells[column];
    if (column === undefined || value === null || value === undefined) return undefined;
    if (value instanceof Uint8Array) throw this.fault(field, 'expected text or a number, found a blob');
    const text = String(value).trim();
    if (text === '') return undefined;
    if (text.length > maxLength)
      throw this.fault(field, `expected at most ${maxLength} characters, found ${text.length}`);
    this.#taken.add(column);
    return text;
  }

  required(field: Field): string {
    const value = this.text(field);
    if (value === undefined) throw this.fault(field, 'expected a value, found none');
    return value;
  }

  /** A REAL is taken as the shortest decimal that is it, which is what was put in where that had cents. */
  amount(field: Field): string | undefined {
    const text = this.text(field);
    if (text === undefined) return undefined;
    const amount = readAmount(text);
    if (amount === undefined)
      throw this.fault(field, 'expected dollars and cents, such as 1234.50, with at most 12 digits before the point');
    return amount;
  }

  date(field: Field): string | undefined {
    const text = this.text(field);
    if (text === undefined) return undefined;
    const date = readDay(text);
    // A claim has days; a time of day is kept where the other columns are.
    if (/[T ].*[1-9]/.test(text)) this.#taken.delete(this.#columns.index(field) as number);
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
    const rest: [name: string, value: string][] = [];
    for (const [index, value] of this.#cells.entries()) {
      if (this.#taken.has(index) || value === null || value === '') continue;
      const text = value instanceof Uint8Array ? Buffer.from(value).toString('base64') : String(value);
      rest.push([this.#columns.names[index] as string, text]);
    }
    return rest.length > 0 ? Object.fromEntries(rest) : undefined;
  }
}
