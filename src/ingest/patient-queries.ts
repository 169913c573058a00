import type { Sql } from '../db/client.ts';
import type { Patient } from './format.ts';

export async function anyPatients(sql: Sql): Promise<boolean> {
  const rows = await sql`select from patients limit 1`;
  return rows.length > 0;
}

/**
 * For the session: of claims and what is known of their patients, written at once, neither would see the other. Batches
 * of claims have it together, a batch of patients alone.
 */
export async function lockPatients(sql: Sql, how: 'shared' | 'alone'): Promise<void> {
  if (how === 'shared') await sql`select pg_advisory_lock_shared(1, 2)`;
  else await sql`select pg_advisory_lock(1, 2)`;
}

export async function unlockPatients(sql: Sql, how: 'shared' | 'alone'): Promise<void> {
  if (how === 'shared') await sql`select pg_advisory_unlock_shared(1, 2)`;
  else await sql`select pg_advisory_unlock(1, 2)`;
}

export interface KnownPatient {
  system: string;
  id: string;
  birthDate: string | null;
  gender: Patient['gender'] | null;
}

export function findPatients(sql: Sql, system: string, ids: string[]): Promise<KnownPatient[]> {
  return sql<KnownPatient[]>`
    select system, id, birth_date as "birthDate", gender from patients where system = ${system} and id = any(${ids})`;
}

export function patientsOfClaims(sql: Sql, claimIds: string[]): Promise<KnownPatient[]> {
  return sql<KnownPatient[]>`
    select system, id, birth_date as "birthDate", gender from patients
    where id in (select patient_id from claims where id = any(${claimIds}::uuid[]))`;
}

/** Takes what is of a later reference year than what is known, or fills what is not known. Returns those that changed. */
export function upsertPatients(sql: Sql, patients: Patient[]): Promise<KnownPatient[]> {
  const column = <K extends keyof Patient>(name: K) => patients.map((patient) => patient[name] ?? null) as string[];
  return sql<KnownPatient[]>`
    insert into patients as p (system, id, birth_date, gender, as_of)
    select * from unnest(${column('system')}::text[], ${column('id')}::text[], ${column('birthDate')}::date[],
      ${column('gender')}::text[], ${column('asOf')}::int[])
    on conflict (system, id) do update set
      birth_date = case when excluded.as_of >= p.as_of then coalesce(excluded.birth_date, p.birth_date)
        else coalesce(p.birth_date, excluded.birth_date) end,
      gender = case when excluded.as_of >= p.as_of then coalesce(excluded.gender, p.gender)
        else coalesce(p.gender, excluded.gender) end,
      as_of = greatest(p.as_of, excluded.as_of)
    where excluded.as_of > p.as_of
      or (p.birth_date, p.gender) is distinct from (excluded.birth_date, excluded.gender)
    returning system, id, birth_date as "birthDate", gender`;
}

/** Claims of these patients, in the order of their ids, after one id. */
export function claimsOfPatients(
  sql: Sql,
  patientIds: string[],
  afterId: string,
  limit: number,
): Promise<{ id: string; document: string; source: string | null }[]> {
  return sql<{ id: string; document: string; source: string | null }[]>`
    select id, document, source from claims
    where patient_id = any(${patientIds}) and id > ${afterId}
    order by id limit ${limit}`;
}
