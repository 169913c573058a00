import { describe, expect, it } from 'vitest';
import { joined } from '../../src/db/joined.ts';

const nextTurn = () => new Promise((resolve) => setImmediate(resolve));

/** Questions that are answered when the test says so. */
function asked(mostKeys?: number) {
  const batches: { keys: string[]; answer(): void; fail(error: Error): void }[] = [];
  const lookUp = joined((keys: string[]) => {
    const { promise, resolve, reject } = Promise.withResolvers<string[]>();
    batches.push({ keys, answer: () => resolve(keys.map((key) => key.toUpperCase())), fail: reject });
    return promise;
  }, mostKeys);
  return { batches, lookUp, keys: () => batches.map(({ keys }) => keys) };
}

describe('look-ups', () => {
  it('that arrive in one turn are one question, and each gets its own answer', async () => {
    const { batches, lookUp, keys } = asked();
    const answers = Promise.all(['a', 'b', 'a'].map(lookUp));
    await nextTurn();
    expect(keys()).toEqual([['a', 'b', 'a']]);
    batches[0]?.answer();
    expect(await answers).toEqual(['A', 'B', 'A']);
  });

  it('wait while two questions are under way, and then go together', async () => {
    const { batches, lookUp, keys } = asked();
    const answers: Promise<string>[] = [];
    for (const key of ['a', 'b', 'c', 'd']) {
      answers.push(lookUp(key));
      await nextTurn();
    }
    expect(keys()).toEqual([['a'], ['b']]);
    batches[1]?.answer();
    await answers[1];
    await nextTurn();
    await nextTurn();
    expect(keys()).toEqual([['a'], ['b'], ['c', 'd']]);
    batches[0]?.answer();
    batches[2]?.answer();
    expect(await Promise.all(answers)).toEqual(['A', 'B', 'C', 'D']);
  });

  it('are no more in a question than it may hold', async () => {
    const { batches, lookUp, keys } = asked(2);
    const answers = Promise.all(['a', 'b', 'c', 'd', 'e'].map(lookUp));
    await nextTurn();
    await nextTurn();
    expect(keys()).toEqual([
      ['a', 'b'],
      ['c', 'd'],
    ]);
    for (let index = 0; index < 3; index += 1) {
      batches[index]?.answer();
      await nextTurn();
      await nextTurn();
    }
    expect(await answers).toEqual(['A', 'B', 'C', 'D', 'E']);
  });

  it('fail with their question, and those after them do not', async () => {
    const { batches, lookUp } = asked();
    const first = [lookUp('a'), lookUp('b')];
    await nextTurn();
    batches[0]?.fail(new Error('lost'));
    for (const { status } of await Promise.allSettled(first)) expect(status).toBe('rejected');
    const second = lookUp('c');
    await nextTurn();
    batches[1]?.answer();
    expect(await second).toBe('C');
  });
});
