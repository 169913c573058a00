/**
 * What pgbench and \copy are given: the statements of src/claims/queries.ts and src/export, in this one place. pgbench
 * has variables in the place of parameters; `:a` and `:b` are the columns of a draw (draws.ts).
 */

/** As listClaims sends it for a page of 25: one more tells whether there is another page. */
const list = (where = 'true') =>
  `select document, updated_at, arrival, service_date from claims where ${where} order by service_date desc, arrival desc limit 26`;

export const statements = {
  list: list(),
  pageFrom: list('true and (service_date, arrival) < (:a::date, :b::bigint)'),
  byType: list('true and type = :a'),
  byStatus: list('true and status = :a'),
  byProvider: list('true and provider_id = :a'),
  byDiagnosis: list('true and diagnoses @> array[:a]'),
  byDiagnosisAndDay: list('true and diagnoses @> array[:a] and service_date <= :b'),
  byDays: list('true and service_date >= :a and service_date <= :b'),
  byPatient: list('true and patient_id = :a'),
  byId: 'select document, source, updated_at as "updatedAt" from claims where id = :a',
};

const wholeClaim =
  "case when source is null then document else convert_from(substr(convert_to(document, 'UTF8'), 1, " +
  "octet_length(document) - 1), 'UTF8') || ',\"source\":' || source || '}' end";

/**
 * \copy of what an export holds, into a file. In the order in which the rows lie, which is the fastest; an export is in
 * the order of ids. NDJSON goes out as CSV of one column whose quotes and delimiters occur in no claim.
 */
export const exports = {
  ndjson: (file: string) =>
    `\\copy (select ${wholeClaim} from claims) to '${file}' with (format csv, quote E'\\x01', delimiter E'\\x02')`,
  csv: (file: string) =>
    '\\copy (select id, identifier_system, identifier_value, type, sub_type, status, patient_id, provider_id, payer_id, ' +
    'service_date, service_date_end, charge, allowed, paid, patient_responsibility, ' +
    "array_to_string(diagnoses, ' ') as diagnoses, array_to_string(procedures, ' ') as procedures, " +
    `${wholeClaim} as claim from claims) to '${file}' with (format csv, header)`,
};
