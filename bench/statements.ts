/**
 * What pgbench and \copy are given: the statements of src/claims/queries.ts and src/export, in this one place. pgbench
 * has variables in the place of parameters; `:a` and `:b` are the columns of a draw (draws.ts).
 */

/** As listClaims sends it for a page of 25: one more tells whether there is another page. */
const list = (where = 'true') =>
  `select id, document, service_date as "serviceDate", updated_at as "updatedAt" from claims where ${where} order by service_date desc, id desc limit 26`;

export const statements = {
  list: list(),
  deepPage: list('true and (service_date, id) < (:a::date, :b::uuid)'),
  byType: list('true and type = :a'),
  byStatus: list('true and status = :a'),
  byProvider: list('true and provider_id = :a'),
  byDiagnosis: list('true and diagnoses @> array[:a]'),
  byDays: list('true and service_date >= :a and service_date <= :b'),
  byPatient: list('true and patient_id = :a'),
  byId: 'select document, source, updated_at as "updatedAt" from claims where id = :a',
};
