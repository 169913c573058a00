import fastify from 'fastify';
import { describe, expect, it } from 'vitest';
import { authenticate } from '../../src/auth/authenticate.ts';
import { createTokens } from '../../src/auth/tokens.ts';
import type { Pool } from '../../src/db/client.ts';
import { problems } from '../../src/problems.ts';
import { aPair, someKeys } from './fixtures.ts';

const tokens = createTokens({
  keys: someKeys({ current: aPair() }),
  issuer: 'claims-api',
  audience: 'claims.test',
  lifetimeSeconds: 3600,
});
const noDatabase: Pool = {
  run: () => Promise.reject(new Error('the database was asked')),
  use: () => ({ connections: 0, running: 0, waiting: 0 }),
  end: async () => {},
};

async function anApp(isPublic?: (route: { url: string }) => boolean) {
  const app = fastify();
  await app.register(problems);
  await app.register(authenticate, { tokens, db: noDatabase, demo: false, ...(isPublic && { isPublic }) });
  return app;
}

const answer = async () => ({ ok: true });

describe('a route', () => {
  it('that is neither public nor names a scope fails to register', async () => {
    const app = await anApp();
    expect(() => app.get('/open', answer)).toThrow('GET /open is neither public nor of a scope');
    expect(() => app.get('/open', { config: { public: false } }, answer)).toThrow('neither public nor of a scope');
  });

  it('that is public and names a scope fails to register', async () => {
    const app = await anApp();
    const config = { public: true, scope: 'claims:read' } as const;
    expect(() => app.get('/both', { config }, answer)).toThrow('GET /both is both public and of a scope');
  });

  it('in a scope of its own fails to register too', async () => {
    const app = await anApp();
    app.register(async (inner) => void inner.get('/open', answer), { prefix: '/inner' });
    await expect(app.ready()).rejects.toThrow('GET /inner/open is neither public nor of a scope');
  });

  it('that is public needs no token, and ignores a wrong one', async () => {
    const app = await anApp();
    app.get('/public', { config: { public: true } }, async ({ subject, scopes }) => ({ subject, scopes }));
    for (const headers of [{}, { authorization: 'Bearer nonsense' }]) {
      const response = await app.inject({ url: '/public', headers });
      expect(response.statusCode).toBe(200);
      expect(response.json()).toEqual({ subject: '', scopes: [] });
    }
    expect((await app.inject({ method: 'HEAD', url: '/public' })).statusCode).toBe(200);
  });

  it('of another plugin can be made public from outside', async () => {
    const app = await anApp((route) => route.url.startsWith('/docs'));
    app.register(async (docs) => void docs.get('/', answer), { prefix: '/docs' });
    expect(() => app.get('/others', answer)).toThrow('neither public nor of a scope');
    for (const url of ['/docs', '/docs/']) expect((await app.inject(url)).statusCode).toBe(200);
  });
});

describe('an address that is unknown', () => {
  it('needs no token', async () => {
    const app = await anApp();
    app.get('/known', { config: { scope: 'claims:read' } }, answer);
    expect((await app.inject('/unknown')).statusCode).toBe(404);
    expect((await app.inject({ method: 'DELETE', url: '/known' })).statusCode).toBe(404);
  });
});

describe('a request', () => {
  it.each([
    ['no header', undefined],
    ['an empty header', ''],
    ['another scheme', 'Basic YWRhOnBhc3N3b3Jk'],
    ['the scheme alone', 'Bearer'],
    ['two tokens', 'Bearer one two'],
    ['characters that no token has', 'Bearer t\u00f6ken'],
  ])('with %s is told what was expected', async (_what, authorization) => {
    const app = await anApp();
    app.get('/known', { config: { scope: 'claims:read' } }, answer);
    const response = await app.inject({ url: '/known', headers: authorization === undefined ? {} : { authorization } });
    expect(response.statusCode).toBe(401);
    expect(response.headers['www-authenticate']).toBe('Bearer');
    expect(response.json().detail).toMatch(/^expected the header Authorization: Bearer and a token/);
  });

  it('with a token that does not verify is told why, before the database is asked', async () => {
    const app = await anApp();
    app.get('/known', { config: { scope: 'claims:read' } }, answer);
    const response = await app.inject({ url: '/known', headers: { authorization: 'Bearer nonsense' } });
    expect(response.statusCode).toBe(401);
    expect(response.json().detail).toBe('the token is malformed');
  });
});
