import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox';
import fastify from 'fastify';
import { createLocalJWKSet, jwtVerify } from 'jose';
import { describe, expect, it, onTestFinished } from 'vitest';
import { authenticate } from '../../src/auth/authenticate.ts';
import { openKeys } from '../../src/auth/keys.ts';
import { createLogin } from '../../src/auth/login.ts';
import { hashPassword } from '../../src/auth/passwords.ts';
import { insertUser } from '../../src/auth/queries.ts';
import { authRoutes } from '../../src/auth/routes.ts';
import { createTokens } from '../../src/auth/tokens.ts';
import { problems } from '../../src/problems.ts';
import { testDatabase } from '../support/database.ts';
import { aKeyDirectory, aLog, aPair } from './fixtures.ts';

const { sql, pool } = await testDatabase();
const pair = aPair();
const password = 'correct horse';
await insertUser(sql, { name: 'ada', passwordHash: await hashPassword(password), scopes: ['claims:read'] });

async function anApp() {
  const directory = await aKeyDirectory({ jwt_key: pair.privatePem, 'jwt_key.pub.pem': pair.publicPem });
  const keys = await openKeys(directory, aLog().log);
  onTestFinished(() => keys.close());
  const tokens = createTokens({ keys, issuer: 'claims-api', audience: 'claims.test', lifetimeSeconds: 3600 });
  const login = createLogin({ db: pool, tokens, failuresPerMinute: 2, demo: false });
  const app = fastify().withTypeProvider<TypeBoxTypeProvider>();
  await app.register(problems);
  await app.register(authenticate, { tokens, db: pool, demo: false });
  await app.register(authRoutes({ login, keys }));
  app.get('/private', { config: { scope: 'claims:read' } }, async ({ subject }) => subject);
  return app;
}

type App = Awaited<ReturnType<typeof anApp>>;
const post = (app: App, payload: object | string, headers = {}) =>
  app.inject({ method: 'POST', url: '/api/auth/login', payload, headers });

describe('POST /api/auth/login', () => {
  it('gives a token that opens the private routes', async () => {
    const app = await anApp();
    const response = await post(app, { username: 'ada', password });
    expect(response.statusCode).toBe(200);
    expect(response.headers['cache-control']).toBe('no-store');
    expect(response.json()).toEqual({
      token: expect.any(String),
      tokenType: 'Bearer',
      expiresIn: 3600,
      scope: 'claims:read',
    });
    const authorization = `Bearer ${response.json().token}`;
    expect((await app.inject({ url: '/private', headers: { authorization } })).body).toBe('ada');
  });

  it('answers 401, and then 429 with the time to wait, neither of them stored', async () => {
    const app = await anApp();
    const statuses: number[] = [];
    for (let attempt = 0; attempt < 3; attempt += 1) {
      const response = await post(app, { username: 'ada', password: 'wrong' });
      statuses.push(response.statusCode);
      expect(response.headers['content-type']).toBe('application/problem+json');
      expect(response.headers['cache-control']).toBe('no-store');
    }
    expect(statuses).toEqual([401, 401, 429]);
    const locked = await post(app, { username: 'ada', password });
    expect(locked.json().type).toBe('urn:claims-api:problem:too-many-failures');
    expect(Number(locked.headers['retry-after'])).toBeGreaterThan(0);
  });

  const json = { 'content-type': 'application/json' };
  it.each<[string, object | string, object, number, string]>([
    ['no user name', { password }, {}, 400, 'username'],
    ['an empty password', { username: 'ada', password: '' }, {}, 400, 'password'],
    ['a long user name', { username: 'a'.repeat(65), password }, {}, 400, 'username'],
    ['a long password', { username: 'ada', password: 'a'.repeat(257) }, {}, 400, 'password'],
    ['a body that is no JSON', '{', json, 400, 'not valid JSON'],
    [
      'a body that is too large',
      JSON.stringify({ username: 'ada', password: 'a'.repeat(16_384) }),
      json,
      413,
      'larger',
    ],
    ['a form', 'username=ada', { 'content-type': 'application/x-www-form-urlencoded' }, 415, 'application/json'],
  ])('refuses %s', async (_what, body, headers, status, detail) => {
    const response = await post(await anApp(), body, headers);
    expect(response.statusCode).toBe(status);
    expect(response.json().detail).toContain(detail);
    expect(response.headers['cache-control']).toBe('no-store');
  });
});

describe('GET /.well-known/jwks.json', () => {
  it('gives the keys with which others verify the tokens', async () => {
    const app = await anApp();
    const response = await app.inject('/.well-known/jwks.json');
    expect(response.statusCode).toBe(200);
    expect(response.headers['cache-control']).toBe('public, max-age=300');
    const { token } = (await post(app, { username: 'ada', password })).json();
    const { payload } = await jwtVerify(token, createLocalJWKSet(response.json()));
    expect(payload.sub).toBe('ada');
    expect(Object.keys(response.json().keys[0]).sort()).toEqual(['alg', 'e', 'kid', 'kty', 'n', 'use']);
  });
});

it('every route has what the reference page shows, and an example', async () => {
  const app = fastify().withTypeProvider<TypeBoxTypeProvider>();
  const shown: unknown[] = [];
  app.addHook('onRoute', ({ method, url, schema }) => {
    if (method === 'HEAD') return;
    const answers = (schema?.response ?? {}) as Record<number, object>;
    shown.push([method, url, schema]);
    expect(schema).toMatchObject({
      operationId: expect.any(String),
      tags: ['authentication'],
      summary: expect.any(String),
    });
    expect(answers[200]).toHaveProperty('examples');
  });
  await app.register(problems);
  await app.register(authRoutes({ login: async () => Promise.reject(), keys: {} as never }));
  expect(shown).toHaveLength(2);
});
