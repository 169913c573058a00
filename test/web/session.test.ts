import { beforeEach, expect, test } from 'vitest';
import { closeSession, currentSession, openSession } from '../../src/web/session.ts';

const answer = { token: 'abc', tokenType: 'Bearer', expiresIn: 60, scope: 'claims:read' };
let storage: Storage;

beforeEach(() => {
  const entries = new Map<string, string>();
  storage = {
    getItem: (key: string) => entries.get(key) ?? null,
    setItem: (key: string, value: string) => void entries.set(key, value),
    removeItem: (key: string) => void entries.delete(key),
  } as Storage;
});

test('remembers who logged in, until the token expires', () => {
  const session = openSession(storage, 'anna', answer, 1000);
  expect(session).toEqual({ token: 'abc', username: 'anna', expiresAt: 61_000 });
  expect(currentSession(storage, 60_999)).toEqual(session);
  expect(currentSession(storage, 61_000)).toBeUndefined();
});

test('forgets the session that is closed', () => {
  openSession(storage, 'anna', answer, 1000);
  closeSession(storage);
  expect(currentSession(storage, 1000)).toBeUndefined();
});

test('has no session where the storage holds something else', () => {
  for (const text of ['', '{', '7', '"token"', '{}']) {
    storage.setItem('claims-session', text);
    expect(currentSession(storage, 1000)).toBeUndefined();
  }
});
