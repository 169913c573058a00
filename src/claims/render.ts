import { hash } from 'node:crypto';
import type { TSchema } from 'typebox';
import { searchCode } from './codes.ts';
import { isDate } from './date.ts';
import { claimId } from './identity.ts';
import { payerClaimNumber } from './lifecycle.ts';
import { Claim } from './schema.ts';

/** A claim as the database holds it, without what the merge adds. */
export interface ClaimRow {
  id: string;
  identifierSystem: string;
  identifierValue: string;
  type: string;
  subType: string | undefined;
  status: string;
  patientId: string;
  providerId: string | undefined;
  payerId: string | undefined;
  serviceDate: string;
  serviceDateEnd: string;
  charge: string | undefined;
  allowed: string | undefined;
  paid: string | undefined;
  patientResponsibility: string | undefined;
  diagnoses: string[];
  procedures: string[];
  document: string;
  source: string | undefined;
  /** Hexadecimal. */
  hash: string;
  payerClaimNumber: string | undefined;
  /** JSON: what brought this state, as the history shows it. */
  message: string | undefined;
}

/** A fault of one field of a record. The reason says what was expected and never quotes the value. */
export class Fault extends Error {
  readonly field: string;
  readonly reason: string;

  constructor(field: string, reason: string) {
    super(`${field}: ${reason}`);
    this.field = field;
    this.reason = reason;
  }
}

/**
 * The row of a claim that has the shape of the schema. Throws Fault where its values cannot be: a day that no calendar
 * has, a period that ends before it starts, a text that PostgreSQL cannot hold.
 */
export function renderClaim(claim: Claim, message?: string): ClaimRow {
  checkDates(claim);
  const id = claimId(claim.identifier);
  const ordered = inOrder(claimOrder, claim) as Claim;
  const { source } = ordered;
  // In front of the text and not of the properties: V8 writes an object by its slow way, in half as much time again, where
  // it comes to a string that was joined and not yet copied together, as this id is.
  const document = `{"id":"${id}",${JSON.stringify(source ? { ...ordered, source: undefined } : ordered).slice(1)}`;
  const sourceText = source && Object.keys(source).length > 0 ? JSON.stringify(source) : undefined;
  checkText(document, 'claim');
  if (sourceText) checkText(sourceText, 'source');
  const { total } = claim;
  return {
    id,
    identifierSystem: claim.identifier.system,
    identifierValue: claim.identifier.value,
    type: claim.type,
    subType: claim.subType,
    status: claim.status,
    patientId: claim.patient.id,
    providerId: claim.provider?.id,
    payerId: claim.insurer?.id,
    serviceDate: claim.billablePeriod.start,
    serviceDateEnd: claim.billablePeriod.end,
    charge: total.charge,
    allowed: total.allowed,
    paid: total.paid,
    patientResponsibility: total.patientResponsibility,
    diagnoses: diagnosisCodes(claim),
    procedures: procedureCodes(claim),
    document,
    source: sourceText,
    hash: hash('sha256', `${document}${sourceText ?? ''}`, 'hex').slice(0, 32),
    payerClaimNumber: payerClaimNumber(claim),
    message,
  };
}

/** The whole claim: its document, with what the canonical claim has no field for. */
export const withSource = (document: string, source: string | null | undefined) =>
  source ? `${document.slice(0, -1)},"source":${source}}` : document;

function diagnosisCodes({ diagnosis }: Claim): string[] {
  const codes = new Set<string>();
  for (const { code } of diagnosis) codes.add(searchCode(code));
  return [...codes];
}

/** Of the claim and of its items. */
function procedureCodes({ procedure, item }: Claim): string[] {
  const codes = new Set<string>();
  for (const { code } of procedure) codes.add(searchCode(code));
  for (const { productOrService } of item) if (productOrService) codes.add(searchCode(productOrService.code));
  return [...codes];
}

/** The names of a schema's properties, in its order, and beside each the order of what it holds. */
interface Order {
  names: string[];
  orders: (Order | undefined)[];
}

function orderOf(schema: TSchema): Order | undefined {
  const { properties, items } = schema as { properties?: Record<string, TSchema>; items?: TSchema };
  if (items) return orderOf(items);
  return properties && { names: Object.keys(properties), orders: Object.values(properties).map(orderOf) };
}

const claimOrder = orderOf(Claim) as Order;

/**
 * The value, its properties in the order of the schema, so that equal claims are equal documents. Most claims come in
 * this order: they are not copied.
 */
function inOrder(order: Order, value: unknown): unknown {
  if (Array.isArray(value)) {
    let copy: unknown[] | undefined;
    for (let index = 0; index < value.length; index += 1) {
      const element = inOrder(order, value[index]);
      if (element !== value[index]) {
        copy ??= [...value];
        copy[index] = element;
      }
    }
    return copy ?? value;
  }
  if (typeof value !== 'object' || value === null) return value;
  const { names, orders } = order;
  let place = 0;
  for (const name in value) {
    while (place < names.length && names[place] !== name) place += 1;
    if (place === names.length) return reordered(order, value as Record<string, unknown>);
    const inner = orders[place];
    if (inner === undefined) continue;
    const part = (value as Record<string, unknown>)[name];
    if (inOrder(inner, part) !== part) return reordered(order, value as Record<string, unknown>);
  }
  return value;
}

function reordered({ names, orders }: Order, value: Record<string, unknown>): Record<string, unknown> {
  const copy: Record<string, unknown> = {};
  for (const [place, name] of names.entries()) {
    const part = value[name];
    const inner = orders[place];
    if (part !== undefined) copy[name] = inner ? inOrder(inner, part) : part;
  }
  return copy;
}

/** Whether all properties are those of the schema, and in its order. */
export const isInOrder = (claim: object) => inOrder(claimOrder, claim) === claim;

function checkDates(claim: Claim): void {
  const date = (text: string | undefined, field: string) => {
    if (text !== undefined && !isDate(text)) throw new Fault(field, 'expected a day of the calendar as yyyy-mm-dd');
  };
  const period = (period: { start: string; end: string } | undefined, field: string) => {
    if (period === undefined) return;
    date(period.start, `${field}.start`);
    date(period.end, `${field}.end`);
    if (period.end < period.start) throw new Fault(`${field}.end`, `expected a day not before ${field}.start`);
  };
  period(claim.billablePeriod, 'billablePeriod');
  date(claim.created, 'created');
  date(claim.patient.birthDate, 'patient.birthDate');
  date(claim.payment?.date, 'payment.date');
  claim.procedure.forEach((procedure, index) => {
    date(procedure.date, `procedure[${index}].date`);
  });
  claim.item.forEach((item, index) => {
    period(item.servicedPeriod, `item[${index}].servicedPeriod`);
  });
  claim.supportingInfo?.forEach((info, index) => {
    period(info.period, `supportingInfo[${index}].period`);
  });
}

/** A NUL character cannot stand in a PostgreSQL text, nor half of a surrogate pair in UTF-8; JSON escapes both. */
const unstorable = /(?<!\\)(?:\\\\)*\\u(?:0000|d[89a-f]..)/;

function checkText(json: string, field: string): void {
  if (json.includes('\\u') && unstorable.test(json)) {
    throw new Fault(field, 'expected text without NUL characters and without halves of surrogate pairs');
  }
}
