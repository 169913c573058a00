import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { createFailureLimit, type FailureLimit } from '../../src/auth/failures.ts';

beforeEach(() => void vi.useFakeTimers({ now: 0 }));
afterEach(() => void vi.useRealTimers());

const tooMany = { kind: 'too-many-failures' };

async function fail(limit: FailureLimit, times: number, name: string, address: (attempt: number) => string) {
  for (let attempt = 0; attempt < times; attempt += 1) await limit.reserve(name, address(attempt));
}

it('refuses a name after its failures from many addresses, for the rest of the minute', async () => {
  const limit = createFailureLimit(3);
  await fail(limit, 3, 'ada', (attempt) => `10.0.0.${attempt}`);
  vi.advanceTimersByTime(20_000);
  await expect(limit.reserve('ada', '10.0.0.99')).rejects.toMatchObject({ ...tooMany, retryAfterSeconds: 40 });
  await limit.reserve('bob', '10.0.0.99');
  vi.advanceTimersByTime(40_000);
  await limit.reserve('ada', '10.0.0.99');
});

it('refuses an address after its failures with many names', async () => {
  const limit = createFailureLimit(3);
  for (const name of ['a', 'b', 'c']) await limit.reserve(name, '10.0.0.1');
  await expect(limit.reserve('d', '10.0.0.1')).rejects.toMatchObject(tooMany);
  await limit.reserve('d', '10.0.0.2');
});

it('does not count what is taken back', async () => {
  const limit = createFailureLimit(2);
  for (let attempt = 0; attempt < 10; attempt += 1) {
    const giveBack = await limit.reserve('ada', '10.0.0.1');
    await giveBack();
  }
  await fail(limit, 2, 'ada', () => '10.0.0.1');
  await expect(limit.reserve('ada', '10.0.0.1')).rejects.toMatchObject(tooMany);
});

it('counts attempts that are under way', async () => {
  const limit = createFailureLimit(2);
  const attempts = await Promise.allSettled(Array.from({ length: 5 }, () => limit.reserve('ada', '10.0.0.1')));
  expect(attempts.filter(({ status }) => status === 'fulfilled')).toHaveLength(2);
});

it('does not count attempts that it refused itself', async () => {
  const limit = createFailureLimit(2);
  const giveBack = await limit.reserve('ada', '10.0.0.1');
  await limit.reserve('ada', '10.0.0.1');
  await expect(limit.reserve('ada', '10.0.0.1')).rejects.toMatchObject(tooMany);
  await giveBack();
  await limit.reserve('ada', '10.0.0.1');
  // Refused for its name, so that the address of whoever insists is not locked out for other names.
  await expect(limit.reserve('ada', '10.0.0.2')).rejects.toMatchObject(tooMany);
  await expect(limit.reserve('ada', '10.0.0.2')).rejects.toMatchObject(tooMany);
  await limit.reserve('bob', '10.0.0.2');
});

it('does not let what is taken back in the next minute raise its limit', async () => {
  const limit = createFailureLimit(2);
  const giveBack = await limit.reserve('ada', '10.0.0.1');
  vi.advanceTimersByTime(60_000);
  await giveBack();
  await fail(limit, 2, 'ada', () => '10.0.0.1');
  await expect(limit.reserve('ada', '10.0.0.1')).rejects.toMatchObject(tooMany);
});

it.each([
  ['2001:db8:1:2::1', '2001:db8:1:2:ffff:ffff:ffff:ffff', true],
  ['2001:db8:1:2::1', '2001:DB8:0001:2::1', true],
  ['2001:db8::1', '2001:db8:0:0:5::', true],
  ['2001:db8:1:2::1', '2001:db8:1:3::1', false],
  ['::1', '::2', true],
  ['1::', '2::', false],
  ['fe80::1%eth0', 'fe80::2%eth0', true],
  ['::ffff:10.0.0.1', '10.0.0.1', true],
  ['::ffff:10.0.0.1', '::ffff:10.0.0.2', false],
  ['10.0.0.1', '10.0.0.2', false],
])('counts %s and %s together: %s', async (one, another, together) => {
  const limit = createFailureLimit(1);
  await limit.reserve('a', one);
  const second = limit.reserve('b', another);
  if (together) await expect(second).rejects.toMatchObject(tooMany);
  else await second;
});
