import { addAmounts, parseAmount } from '../../claims/amount.ts';
import { Fault } from '../../claims/render.ts';
import type { Claim } from '../../claims/schema.ts';
import { coded, codings } from './fhir-codes.ts';
import { type Json, type JsonObject, listOf, objectOf } from './fhir-json.ts';

type Adjudication = NonNullable<Claim['adjudication']>;

export function amountOf(money: Json | undefined, field: string): string | undefined {
  const { value, currency } = objectOf(money);
  if (value === undefined) return undefined;
  if (currency !== undefined && currency !== 'USD') throw new Fault(`${field}.currency`, 'expected USD, found another');
  const amount = typeof value === 'number' || typeof value === 'string' ? parseAmount(String(value)) : undefined;
  if (amount === undefined)
    throw new Fault(`${field}.value`, 'expected dollars and cents, with at most 12 digits before the point');
  return amount;
}

/**
 * Whether it is a decimal number with a fraction of a cent: Synthea writes shares and payments as it computes them,
 * 0.8 × 181.23 = 144.984.
 */
export const hasFraction = (money: Json | undefined) =>
  /^-?\d{1,12}\.\d\d\d*[1-9]\d*$/.test(String(objectOf(money).value));

/** What is charged, allowed and paid, by the names of HL7 and CARIN, has to be exact: a claim is rejected that is not. */
const exactCategories = new Set([
  'submitted',
  'drugcost',
  'eligible',
  'allowed',
  'benefit',
  'paidtoprovider',
  'payment',
  'memberliability',
  'paidbypatient',
]);

/** The amounts of a list of adjudications, all of them and by category: the first of each. */
export function adjudications(
  value: Json | undefined,
  field: string,
  inexact?: string[],
): { list: Adjudication; by: Map<string, string> } {
  const list: Adjudication = [];
  const by = new Map<string, string>();
  listOf(value).forEach((one, index) => {
    const category = adjudicationCategory(one.category);
    if (inexact && hasFraction(one.amount) && !exactCategories.has(category ?? '')) {
      inexact.push(`${field}[${index}].amount.value`);
      return;
    }
    const amount = amountOf(one.amount, `${field}[${index}].amount`);
    if (amount === undefined || category === undefined) return;
    if (!by.has(category)) by.set(category, amount);
    const reason = coded(one.reason);
    list.push({ category, ...(reason && { reason }), amount });
  });
  return { list, by };
}

function adjudicationCategory(concept: Json | undefined): string | undefined {
  const all = codings(concept);
  const best = all.find(({ system }) => /C4BBAdjudication|terminology\.hl7\.org/.test(system)) ?? all.at(-1);
  return best?.code.split('/').at(-1)?.slice(0, 100);
}

/** By the names of HL7 and CARIN, or else of Blue Button's variables alone, as Synthea gives them. */
export function moneyOf(by: Map<string, string>) {
  const first = (...names: string[]) => names.map((name) => by.get(name)).find((amount) => amount !== undefined);
  const charge = first('submitted', 'drugcost', 'line_sbmtd_chrg_amt', 'rev_cntr_tot_chrg_amt');
  const allowed = first('eligible', 'allowed', 'line_alowd_chrg_amt');
  const paid = first(
    'benefit',
    'paidtoprovider',
    'payment',
    'line_nch_pmt_amt',
    'line_prvdr_pmt_amt',
    'rev_cntr_pmt_amt_amt',
  );
  return { ...(charge && { charge }), ...(allowed && { allowed }), ...(paid && { paid }) };
}

/** The claim's totals; those it has not are the sums of its items, where each item has one, or what was paid out. */
export function totalOf(resource: JsonObject, item: Claim['item'], payment: string | undefined): Claim['total'] {
  const { by } = adjudications(resource.total, 'total');
  const given = moneyOf(by);
  const member = by.get('memberliability') ?? by.get('paidbypatient');
  const sum = (name: 'charge' | 'allowed' | 'paid') => {
    const amounts = item.flatMap((one) => one[name] ?? []);
    return item.length > 0 && amounts.length === item.length ? { [name]: addAmounts(amounts) } : {};
  };
  const shares = item.map(
    ({ adjudication }) => adjudication?.find(({ category }) => category === 'paidbypatient')?.amount,
  );
  const paidByPatient =
    shares.length > 0 && shares.every((share) => share !== undefined) ? addAmounts(shares) : undefined;
  const patientResponsibility = member ?? paidByPatient;
  return {
    ...(payment && { paid: payment }),
    ...sum('charge'),
    ...sum('allowed'),
    ...sum('paid'),
    ...given,
    ...(patientResponsibility && { patientResponsibility }),
  };
}
