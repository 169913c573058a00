import { describe, expect, it } from 'vitest';
import { joined } from '../../src/db/joined.ts';

const turn = () => new Promise((resolve) => setImmediate(resolve));

/** Until a question is sent that nothing is added to. */
async function turns(): Promise<void> {
  for (let count = 0; count < 3; count += 1) await turn();
}

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
    await turns();
    expect(keys()).toEqual([['a', 'b', 'a']]);
    batches[0]?.answer();
    expect(await answers).toEqual(['A', 'B', 'A']);
  });

  it('wait for as long as each turn brings more', async () => {
    const { batches, lookUp, keys } = asked();
    const answers: Promise<string>[] = [];
    for (const key of ['a', 'b', 'c', 'd']) {
      answers.push(lookUp(key));
      await turn();
    }
    await turns();
    expect(keys()).toEqual([['a', 'b', 'c', 'd']]);
    batches[0]?.answer();
    expect(await Promise.all(answers)).toEqual(['A', 'B', 'C', 'D']);
  });

  it('wait for no more than are many, though each turn brings some', async () => {
    const { batches, lookUp } = asked(1000);
    const answers: Promise<string>[] = [];
    while (batches.length === 0 && answers.length < 1000) {
      answers.push(lookUp('a'), lookUp('b'));
      await turn();
    }
    expect(answers.length).toBeLessThan(80);
    batches[0]?.answer();
    await Promise.all(answers.slice(0, batches[0]?.keys.length));
  });

  it('wait while two questions are under way, and then go together', async () => {
    const { batches, lookUp, keys } = asked();
    const answers: Promise<string>[] = [];
    for (const key of ['a', 'b', 'c', 'd']) {
      answers.push(lookUp(key));
      await turns();
    }
    expect(keys()).toEqual([['a'], ['b']]);
    batches[1]?.answer();
    await answers[1];
    await turns();
    await turns();
    expect(keys()).toEqual([['a'], ['b'], ['c', 'd']]);
    batches[0]?.answer();
    batches[2]?.answer();
    expect(await Promise.all(answers)).toEqual(['A', 'B', 'C', 'D']);
  });

  it('are no more in a question than it may hold', async () => {
    const { batches, lookUp, keys } = asked(2);
    const answers = Promise.all(['a', 'b', 'c', 'd', 'e'].map(lookUp));
    await turns();
    await turns();
    expect(keys()).toEqual([
      ['a', 'b'],
      ['c', 'd'],
    ]);
    for (let index = 0; index < 3; index += 1) {
      batches[index]?.answer();
      await turns();
      await turns();
    }
    expect(await answers).toEqual(['A', 'B', 'C', 'D', 'E']);
  });

  it('fail with their question, and those after them do not', async () => {
    const { batches, lookUp } = asked();
    const first = [lookUp('a'), lookUp('b')];
    await turns();
    batches[0]?.fail(new Error('lost'));
    for (const { status } of await Promise.allSettled(first)) expect(status).toBe('rejected');
    const second = lookUp('c');
    await turns();
    batches[1]?.answer();
    expect(await second).toBe('C');
  });
});
