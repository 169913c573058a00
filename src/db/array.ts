/** An array as PostgreSQL reads it, from parameters and COPY: https://www.postgresql.org/docs/18/arrays.html, 8.15.6. */
export const arrayLiteral = (values: readonly (string | number | null)[]) =>
  `{${values.map((value) => (value === null ? 'NULL' : `"${String(value).replace(/["\\]/g, '\\$&')}"`)).join(',')}}`;
