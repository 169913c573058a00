/**
 * A decimal string with thousands separators. Textual, because a float would not hold every amount; with a hyphen for
 * a minus, because a spreadsheet takes no other when the amount is pasted into it.
 */
export function formatAmount(amount: string): string {
  const [, sign, whole, fraction] = /^(-?)(\d+)(\.\d+)?$/.exec(amount) ?? [];
  if (whole === undefined) return amount;
  return `${sign}${whole.replace(/\B(?=(?:\d{3})+$)/g, ',')}${fraction ?? ''}`;
}
