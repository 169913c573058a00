const monthDays = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

/** `yyyy-mm-dd` of a day that exists, from the year 1 on; undefined otherwise. */
export function calendarDate(year: number, month: number, day: number): string | undefined {
  if (!exists(year, month, day)) return undefined;
  return `${pad(year, 4)}-${pad(month, 2)}-${pad(day, 2)}`;
}

function exists(year: number, month: number, day: number): boolean {
  const leap = year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0);
  const days = month === 2 && leap ? 29 : (monthDays[month - 1] ?? 0);
  return year >= 1 && year <= 9999 && day >= 1 && day <= days;
}

/** The last day of the month of a day that exists. */
export function monthEnd(day: string): string {
  const [year, month] = [Number(day.slice(0, 4)), Number(day.slice(5, 7))];
  let last = 28;
  while (exists(year, month, last + 1)) last += 1;
  return `${day.slice(0, 8)}${last}`;
}

export const isMonthEnd = (day: string) => day === monthEnd(day);

const pad = (number: number, width: number) => String(number).padStart(width, '0');

/** Whether the text is `yyyy-mm-dd` of a day that exists; called some ten times a claim. */
export function isDate(text: string): boolean {
  if (text.length !== 10 || text.charCodeAt(4) !== 45 || text.charCodeAt(7) !== 45) return false;
  const month = number(text, 5, 7);
  return exists(number(text, 0, 4), month, number(text, 8, 10));
}

/** The digits between two places, or NaN. */
function number(text: string, from: number, to: number): number {
  let value = 0;
  for (let place = from; place < to; place += 1) {
    const digit = text.charCodeAt(place) - 48;
    if (digit < 0 || digit > 9) return Number.NaN;
    value = value * 10 + digit;
  }
  return value;
}
