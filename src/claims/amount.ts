/** US dollars as exact decimal text: at most twelve digits before the point, as numeric(14,2) holds. */

/** Leading and trailing zeros included; keeps the time that the pattern takes within bounds. */
const longest = 100;
const canonical = /^(?:0|[1-9]\d{0,11})\.\d\d$/;
const decimal = /^([+-]?)0*(\d*)(?:\.(\d*))?$/;

/**
 * The canonical form, such as "-1234.50", of an amount as files write it: "1234.5", "-.50", "+7", "0012.00". Undefined
 * where it is no decimal number, has a fraction of a cent, or more than twelve digits before the point.
 */
export function parseAmount(text: string): string | undefined {
  if (canonical.test(text)) return text;
  if (text === '0') return '0.00'; // What files hold most of all.
  if (text.length > longest) return undefined;
  const match = decimal.exec(text);
  if (match === null) return undefined;
  const [, sign, whole = '', fraction = ''] = match;
  if (!/\d/.test(text) || whole.length > 12 || !/^\d{0,2}0*$/.test(fraction)) return undefined;
  const cents = fraction.slice(0, 2).padEnd(2, '0');
  const unsigned = `${whole || '0'}.${cents}`;
  return sign === '-' && unsigned !== '0.00' ? `-${unsigned}` : unsigned;
}

const cents = (amount: string) => BigInt(amount.replace('.', ''));

/** The amount of so many cents. */
export function fromCents(value: bigint): string {
  const digits = (value < 0n ? -value : value).toString().padStart(3, '0');
  return `${value < 0n ? '-' : ''}${digits.slice(0, -2)}.${digits.slice(-2)}`;
}

/** A canonical amount in cents, which a safe integer holds: fourteen digits at most. No float comes between. */
export function centsOf(amount: string): number {
  const negative = amount.charCodeAt(0) === 45;
  let value = 0;
  for (let place = negative ? 1 : 0; place < amount.length; place += 1) {
    const digit = amount.charCodeAt(place) - 48;
    if (digit >= 0) value = value * 10 + digit; // The point is before the digits.
  }
  return negative ? -value : value;
}

/** The sum of canonical amounts, exact. */
export function addAmounts(amounts: string[]): string {
  return fromCents(amounts.reduce((sum, amount) => sum + cents(amount), 0n));
}

/** The difference of canonical amounts, exact. */
export function subtractAmount(from: string, amount: string): string {
  return fromCents(cents(from) - cents(amount));
}
