const monthDays = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

/** `yyyy-mm-dd` of a day that exists, from the year 1 on; undefined otherwise. */
export function calendarDate(year: number, month: number, day: number): string | undefined {
  const leap = year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0);
  const days = month === 2 && leap ? 29 : (monthDays[month - 1] ?? 0);
  if (!(year >= 1 && year <= 9999 && day >= 1 && day <= days)) return undefined;
  return `${pad(year, 4)}-${pad(month, 2)}-${pad(day, 2)}`;
}

const pad = (number: number, width: number) => String(number).padStart(width, '0');

const isoDate = /^(\d{4})-(\d{2})-(\d{2})$/;

/** Whether the text is `yyyy-mm-dd` of a day that exists. */
export function isDate(text: string): boolean {
  const match = isoDate.exec(text);
  return match !== null && calendarDate(Number(match[1]), Number(match[2]), Number(match[3])) !== undefined;
}
