import { describe, expect, it } from 'vitest';
import { calendarDate, isDate } from '../../src/claims/date.ts';

describe('isDate', () => {
  it('knows each day of leap years, common years and centuries', () => {
    for (const year of ['0001', '0004', '1582', '1900', '1999', '2000', '2023', '2024', '2100', '9999']) {
      for (let month = 0; month <= 13; month += 1) {
        for (let day = 0; day <= 32; day += 1) {
          const text = `${year}-${String(month).padStart(2, '0')}-${String(day).padStart(2, '0')}`;
          const date = new Date(`${text}T00:00:00Z`);
          const exists = !Number.isNaN(date.getTime()) && date.toISOString().startsWith(text);
          expect(isDate(text), text).toBe(exists);
        }
      }
    }
  });

  it.each([
    '',
    '0000-01-01',
    '2024-1-1',
    '24-01-01',
    '2024/01/01',
    '20240101',
    '12024-01-01',
    '-2024-01-01',
    ' 2024-01-01',
  ])('refuses %j', (text) => {
    expect(isDate(text)).toBe(false);
  });

  it.each(['2024-01-01T00:00:00Z', '2024-01-01\n', '2024-01-01 BC', '\u0662024-01-01', 'infinity', 'today'])(
    'refuses %j',
    (text) => {
      expect(isDate(text)).toBe(false);
    },
  );
});

describe('calendarDate', () => {
  it.each<[number, number, number, string]>([
    [2024, 2, 29, '2024-02-29'],
    [1, 1, 1, '0001-01-01'],
    [987, 12, 31, '0987-12-31'],
    [9999, 12, 31, '9999-12-31'],
  ])('prints %i %i %i as %s', (year, month, day, text) => {
    expect(calendarDate(year, month, day)).toBe(text);
  });

  it.each<[number, number, number]>([
    [0, 1, 1],
    [-1, 1, 1],
    [10_000, 1, 1],
    [2023, 2, 29],
    [1900, 2, 29],
    [2024, 0, 1],
    [2024, 13, 1],
    [2024, 4, 31],
    [2024, 1, 0],
    [Number.NaN, 1, 1],
    [2024, Number.NaN, 1],
    [2024, 1, Number.NaN],
    [2024, 1.5, 1],
  ])('knows no day %d %d %d', (year, month, day) => {
    expect(calendarDate(year, month, day)).toBeUndefined();
  });
});
