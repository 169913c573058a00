import { describe, expect, it } from 'vitest';
import { Standing } from '../../src/ingest/watch.ts';

const stillMs = 10_000;
const at = (seconds: number) => seconds * 1000;

/** A file as a listing has it. */
const file = (name: string, size: number, modified = 0) => ({
  path: `/data/${name}`,
  name,
  stamp: { size, modifiedAt: new Date(modified * 1000) },
});

const names = (files: { name: string }[]) => files.map(({ name }) => name);

describe('a file stands still', () => {
  it('at the first look, where it was last written long enough ago', () => {
    const files = new Standing(stillMs);
    const settled = files.settled([file('old', 1, 90), file('young', 1, 95), file('ahead', 1, 200)], at(100));
    expect(names(settled)).toEqual(['old']);
    expect(files.unsettled).toBe(2);
  });

  it('once it was the same for long enough', () => {
    const files = new Standing(stillMs);
    files.settled([], at(100));
    expect(names(files.settled([file('a', 1)], at(110)))).toEqual([]);
    expect(names(files.settled([file('a', 1)], at(115)))).toEqual([]);
    expect(names(files.settled([file('a', 1)], at(120)))).toEqual(['a']);
  });

  it.each([
    ['its size', file('a', 2, 50)],
    ['its time', file('a', 1, 51)],
  ])('no longer once %s changed', (_what, changed) => {
    const files = new Standing(stillMs);
    files.settled([file('a', 1, 50)], at(100));
    expect(names(files.settled([changed], at(110)))).toEqual([]);
    expect(names(files.settled([changed], at(120)))).toEqual(['a']);
  });

  it('anew when it has been away', () => {
    const files = new Standing(stillMs);
    files.settled([file('a', 1, 50)], at(100));
    files.settled([], at(110));
    expect(names(files.settled([file('a', 1, 50)], at(120)))).toEqual([]);
    expect(names(files.settled([file('a', 1, 50)], at(130)))).toEqual(['a']);
  });

  it('always, where nobody looks a second time', () => {
    expect(names(new Standing(0).settled([file('a', 1, 100)], at(100)))).toEqual(['a']);
  });
});

it('what is known of a file is forgotten when it changes', () => {
  const files = new Standing(stillMs);
  const [first] = files.settled([file('a', 1, 50)], at(100));
  Object.assign(first ?? {}, { tried: true, done: true });
  expect(files.settled([file('a', 1, 50)], at(110))).toMatchObject([{ tried: true, done: true }]);
  files.settled([file('a', 2, 105)], at(120));
  expect(files.settled([file('a', 2, 105)], at(130))).toMatchObject([{ tried: false, done: false }]);
});

describe('the oldest file that waits', () => {
  it('has waited since it became as it is', () => {
    const files = new Standing(stillMs);
    expect(files.waitingSince()).toBeUndefined();
    files.settled([], at(100));
    expect(files.waitingSince()).toBeUndefined();
    files.settled([file('a', 1)], at(110));
    files.settled([file('a', 1), file('b', 1)], at(120));
    expect(files.waitingSince()).toBe(at(110));
    files.settled([file('a', 2), file('b', 1)], at(130));
    expect(files.waitingSince()).toBe(at(120));
  });

  it('has waited for nobody before the first look', () => {
    const files = new Standing(stillMs);
    files.settled([file('old', 1, 5)], at(100));
    expect(files.waitingSince()).toBe(at(100));
  });

  it.each(['tried', 'done'])('is none that was %s', (what) => {
    const files = new Standing(stillMs);
    const [first] = files.settled([file('a', 1, 5)], at(100));
    Object.assign(first ?? {}, { [what]: true });
    expect(files.waitingSince()).toBeUndefined();
  });
});
