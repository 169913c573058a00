const padded = (value: number, length = 2) => String(value).padStart(length, '0');

/** An RFC 3339 instant in the reader's time zone, as a `datetime-local` input takes it; empty where it is none. */
export function toLocalInput(instant: string): string {
  const date = new Date(instant);
  if (Number.isNaN(date.getTime())) return '';
  const day = `${padded(date.getFullYear(), 4)}-${padded(date.getMonth() + 1)}-${padded(date.getDate())}`;
  const minute = `${padded(date.getHours())}:${padded(date.getMinutes())}`;
  const seconds = date.getSeconds();
  return `${day}T${minute}${seconds === 0 ? '' : `:${padded(seconds)}`}`;
}

/** What a `datetime-local` input holds, as an RFC 3339 instant; empty where it is none. */
export function fromLocalInput(value: string): string {
  const date = new Date(value);
  return Number.isNaN(date.getTime()) ? '' : date.toISOString().replace('.000Z', 'Z');
}

/** To the minute, in the reader's time zone. */
export function formatInstant(instant: string): string {
  return toLocalInput(instant).slice(0, 16).replace('T', ' ') || instant;
}
