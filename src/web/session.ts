import type { LoginAnswer } from './api.ts';

export interface Session {
  token: string;
  username: string;
  /** Milliseconds since 1970. */
  expiresAt: number;
}

const key = 'claims-session';

export function openSession(storage: Storage, username: string, answer: LoginAnswer, now: number): Session {
  const session = { token: answer.token, username, expiresAt: now + answer.expiresIn * 1000 };
  storage.setItem(key, JSON.stringify(session));
  return session;
}

/** The session of this tab; undefined where there is none, or none that the service would still take. */
export function currentSession(storage: Storage, now: number): Session | undefined {
  try {
    const session: Session | null = JSON.parse(storage.getItem(key) ?? 'null');
    return session && session.expiresAt > now ? session : undefined;
  } catch {
    return undefined;
  }
}

export function closeSession(storage: Storage) {
  storage.removeItem(key);
}
