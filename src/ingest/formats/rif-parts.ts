import { codeSystems } from '../../claims/codes.ts';
import { Fault } from '../../claims/render.ts';
import type { Claim, ClaimStatus, ClaimType } from '../../claims/schema.ts';
import type { RifRow } from './rif-row.ts';

/** What the claims of the layouts are made of alike. */

const clmId = 'https://bluebutton.cms.gov/resources/variables/clm_id';
export const beneId = 'https://bluebutton.cms.gov/resources/variables/bene_id';

const rowActions = new Map([
  ['INSERT', undefined],
  ['UPDATE', undefined],
  ['DELETE', 'cancelled' as const],
]);

export function claimIdentity(row: RifRow, type: ClaimType, kinds: ReadonlyMap<string, string>) {
  const subType = row.oneOf('NCH_CLM_TYPE_CD', kinds);
  if (subType === undefined) throw new Fault('NCH_CLM_TYPE_CD', 'expected a value, found none');
  const start = requiredDate(row, 'CLM_FROM_DT');
  const end = requiredDate(row, 'CLM_THRU_DT');
  if (end < start) throw new Fault('CLM_THRU_DT', 'expected a day not before CLM_FROM_DT');
  return {
    identifier: { system: clmId, value: row.required('CLM_ID') },
    ...group(row),
    type,
    subType,
    use: 'claim' as const,
    billablePeriod: { start, end },
  };
}

export function requiredDate(row: RifRow, name: string): string {
  const date = row.date(name);
  if (date === undefined) throw new Fault(name, 'expected a day, found nothing');
  return date;
}

/**
 * Where a claim stands that is not the last word: FINAL_ACTION is N where a later claim of its CLM_GRP_ID took its place;
 * a claim of frequency 8, and a credit (CARR_CLM_ENTRY_CD 3, CLM_DISP_CD 03), takes another one back.
 */
export function standing(row: RifRow, status: ClaimStatus): ClaimStatus {
  const deleted = row.oneOf<ClaimStatus | undefined>('DML_IND', rowActions);
  row.text('DML_IND'); // Says what to do with the row, and nothing of the claim.
  const voids =
    row.peek('CLM_FREQ_CD') === '8' || row.peek('CARR_CLM_ENTRY_CD') === '3' || row.peek('CLM_DISP_CD') === '03';
  if (deleted ?? voids) return 'cancelled';
  // The files hold other values too, such as F, which stay under source.
  const final = row.peek('FINAL_ACTION');
  if (final === 'N' || final === 'Y') row.text('FINAL_ACTION');
  return final === 'N' ? 'replaced' : status;
}

const claimGroup = 'https://bluebutton.cms.gov/resources/identifier/claim-group';

/** The claims that are versions of one have a group. */
export function group(row: RifRow): Pick<Claim, 'otherIdentifier'> {
  const value = row.code('CLM_GRP_ID', 100);
  return value ? { otherIdentifier: [{ type: 'claim-group', system: claimGroup, value }] } : {};
}

export const patient = (row: RifRow) => ({ system: beneId, id: row.required('BENE_ID') });

/** When CMS processed the claim. */
export function processed(row: RifRow) {
  const created = row.date('NCH_WKLY_PROC_DT');
  return created && { created };
}

export function paidOn(row: RifRow, name: string) {
  const date = row.date(name);
  return date && { payment: { date } };
}

export function insurer(row: RifRow, name: string) {
  const id = row.code(name, 100);
  return id && { insurer: { id } };
}

export function billing(id: string | undefined) {
  return id && { provider: { id, ...(/^\d{10}$/.test(id) && { npi: id }) } };
}

/** Columns, each with what the claim calls it; `system` is that of its codes. Tables: to make them for each line took longer. */
export interface Column {
  name: string;
  as: string;
  system?: string;
}

export function careTeam(row: RifRow, columns: readonly Column[]): Pick<Claim, 'careTeam'> {
  const careTeam: NonNullable<Claim['careTeam']> = [];
  for (const { name, as: role } of columns) {
    const id = row.code(name, 100);
    if (id !== undefined) careTeam.push({ role, id });
  }
  return careTeam.length > 0 ? { careTeam } : {};
}

export function supportingInfo(row: RifRow, columns: readonly Column[]): Pick<Claim, 'supportingInfo'> {
  const supportingInfo: NonNullable<Claim['supportingInfo']> = [];
  for (const { name, as: category, system } of columns) {
    const code = row.code(name);
    if (code !== undefined) supportingInfo.push({ category, ...(system && { system }), code });
  }
  const start = row.date('CLM_ADMSN_DT');
  if (start !== undefined) {
    const end = row.date('NCH_BENE_DSCHRG_DT');
    supportingInfo.push({
      category: 'admission-period',
      period: { start, end: end && end > start ? end : start },
    });
  }
  return supportingInfo.length > 0 ? { supportingInfo } : {};
}

export function adjudication(row: RifRow, columns: readonly Column[]): Pick<Claim, 'adjudication'> {
  const adjudication: NonNullable<Claim['adjudication']> = [];
  for (const { name, as: category } of columns) {
    const amount = row.amount(name);
    if (amount !== undefined) adjudication.push({ category, amount });
  }
  return adjudication.length > 0 ? { adjudication } : {};
}

export function amounts<K extends string>(row: RifRow, columns: Record<K, string>): { [P in K]?: string } {
  const amounts: { [P in K]?: string } = {};
  for (const name in columns) {
    const amount = row.amount(columns[name]);
    if (amount !== undefined) amounts[name] = amount;
  }
  return amounts;
}

export function sequence(row: RifRow, name: string): number {
  const text = row.required(name);
  const number = Number(text);
  if (!/^\d{1,6}$/.test(text) || number < 1) throw new Fault(name, 'expected a line number from 1 to 999999');
  return number;
}

const modifiers = ['HCPCS_1ST_MDFR_CD', 'HCPCS_2ND_MDFR_CD', 'HCPCS_3RD_MDFR_CD', 'HCPCS_4TH_MDFR_CD'];

export function service(row: RifRow) {
  const code = row.code('HCPCS_CD');
  const modifier: string[] = [];
  for (const column of modifiers) {
    const found = row.code(column, 10);
    if (found !== undefined) modifier.push(found);
  }
  return {
    ...(code && { productOrService: { system: codeSystems.hcpcs, code } }),
    ...(modifier.length > 0 && { modifier }),
  };
}

export function serviced(start: string | undefined, end: string | undefined) {
  const first = start ?? end;
  return first && { servicedPeriod: { start: first, end: end ?? first } };
}

/** Properties without a value are left out of the document. */
export function present<T extends object>(fields: T): { [K in keyof T]?: NonNullable<T[K]> } {
  const present: Partial<T> = {};
  for (const name in fields) if (fields[name] !== undefined) present[name] = fields[name];
  return present as never;
}
