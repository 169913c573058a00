import { randomUUID } from 'node:crypto';
import type { HTTPMethods } from 'fastify';
import { describe, expect, it } from 'vitest';
import { scopes } from '../src/auth/users.ts';
import { claimId } from '../src/claims/identity.ts';
import { expectProblem, importClaims, testApp } from './support/app.ts';
import { aClaim } from './support/claims.ts';
import { builtPage } from './support/page.ts';
import { testAppWithRoutes } from './support/routes.ts';

const { app, database, get, request, token, url, routes } = await testAppWithRoutes({
  webDirectory: await builtPage(),
});

const claim = aClaim();
await importClaims(url, [claim]);
const claimAddress = `/api/claims/${claimId(claim.identifier)}`;

describe('routes', () => {
  it('are public only where this list says so', () => {
    const open = routes.filter(({ config }) => config.public).map(({ method, url }) => `${method} ${url}`);
    expect(open.sort()).toEqual([
      'GET /*',
      'GET /.well-known/jwks.json',
      'GET /docs',
      'GET /docs/json',
      'GET /docs/static/*',
      'GET /docs/static/index.html',
      'GET /docs/static/swagger-initializer.js',
      'GET /docs/yaml',
      'GET /health/live',
      'GET /health/ready',
      'HEAD /*',
      'HEAD /.well-known/jwks.json',
      'HEAD /docs',
      'HEAD /docs/',
      'HEAD /docs/json',
      'HEAD /docs/static/*',
      'HEAD /docs/static/index.html',
      'HEAD /docs/static/swagger-initializer.js',
      'HEAD /docs/yaml',
      'HEAD /health/live',
      'HEAD /health/ready',
      'POST /api/auth/login',
    ]);
  });

  it('are private with these scopes', () => {
    const closed = routes
      .filter(({ config }) => !config.public)
      .map((route) => `${route.method} ${route.url} ${route.config.scope}`);
    expect(closed.sort()).toEqual([
      'GET /api/claims claims:read',
      'GET /api/claims/:id claims:read',
      'GET /api/claims/:id/history claims:read',
      'GET /api/claims/export claims:export',
      'GET /api/claims/summary claims:read',
      'GET /api/imports imports:read',
      'GET /api/imports/:id imports:read',
      'GET /api/imports/:id/rejects imports:read',
      'HEAD /api/claims claims:read',
      'HEAD /api/claims/:id claims:read',
      'HEAD /api/claims/:id/history claims:read',
      'HEAD /api/claims/summary claims:read',
      'HEAD /api/imports imports:read',
      'HEAD /api/imports/:id imports:read',
      'HEAD /api/imports/:id/rejects imports:read',
      'POST /api/imports imports:write',
    ]);
  });

  const closed = routes
    .filter(({ config }) => !config.public)
    .map(({ method, url, config }) => ({
      method: method as 'GET' | 'POST',
      url: url.replace(':id', randomUUID()),
      scope: config.scope,
    }));

  it.each(closed)('$method $url is answered 401 without a token', async ({ method, url }) => {
    const answer = await request({ method, url }, null);
    expect(answer.statusCode).toBe(401);
    expect(answer.headers['www-authenticate']).toBe('Bearer');
    expect(answer.headers['content-type']).toBe('application/problem+json');
    if (method === 'GET') expect(expectProblem(answer, 401).type).toBe('urn:claims-api:problem:unauthenticated');
  });

  it.each(closed)('$method $url is answered 401 with what is no token', async ({ method, url }) => {
    const good = await token();
    const [, payload] = good.split('.');
    const unsigned = `${Buffer.from('{"alg":"none","typ":"JWT"}').toString('base64url')}.${payload}.`;
    for (const authorization of [
      'Bearer',
      'Bearer x',
      'Basic YWRhOmFkYQ==',
      `Bearer ${good}x`,
      `Bearer ${unsigned}`,
      good,
    ]) {
      const answer = await request({ method, url, headers: { authorization } }, null);
      expect(answer.statusCode, authorization).toBe(401);
    }
  });

  it.each(closed)(
    '$method $url is answered 403 with a token of every scope but $scope',
    async ({ method, url, scope }) => {
      const answer = await request({ method, url }, await token(scopes.filter((other) => other !== scope)));
      expect(answer.statusCode).toBe(403);
      expect(answer.headers['content-type']).toBe('application/problem+json');
      expect(answer.headers['www-authenticate']).toBeUndefined();
    },
  );

  it.each(closed)('$method $url is let through with a token of $scope alone', async ({ method, url, scope }) => {
    const answer = await request({ method, url }, await token(scope ? [scope] : []));
    // An upload without a body is not valid.
    expect(method === 'POST' ? [400] : [200, 404]).toContain(answer.statusCode);
  });

  it('check the token before anything else of the request', async () => {
    for (const url of ['/api/claims?limit=x', '/api/claims/x', '/api/imports?cursor=x']) {
      expectProblem(await get(url, null), 401);
    }
  });

  it.each([
    '/nope',
    '/api/nope',
    '/api/claims/x/y',
    '/api',
    '/API/claims',
    '/api/claims;x',
    '/.env',
    '/..%2f..%2fetc%2fpasswd',
  ])('%s is answered 404, with a token and without', async (url) => {
    for (const bearer of [undefined, null]) {
      const problem = expectProblem(await get(url, bearer), 404);
      expect(problem).toMatchObject({ type: 'urn:claims-api:problem:not-found' });
      expect(problem.detail).not.toContain(url);
    }
  });

  it.each<[HTTPMethods, string]>([
    ['POST', '/api/claims'],
    ['DELETE', claimAddress],
    ['PUT', claimAddress],
    ['PATCH', claimAddress],
    ['GET', '/api/auth/login'],
    ['DELETE', '/health/live'],
    ['OPTIONS', '/api/claims'],
  ])('%s %s finds nothing', async (method, url) => {
    const answer = await request({ method, url, ...(method !== 'GET' && { payload: {} }) });
    expectProblem(answer, 404);
    expect((await get(claimAddress)).statusCode).toBe(200);
  });

  it('answer HEAD as GET, without the body', async () => {
    const whole = await get(claimAddress);
    const head = await request({ method: 'HEAD', url: claimAddress });
    expect(head.statusCode).toBe(200);
    expect(head.body).toBe('');
    expect(head.headers['content-type']).toBe(whole.headers['content-type']);
  });

  it.each(['/api/claims/%zz', `/api/claims/${'x'.repeat(500)}`])('%s is answered with problem details', async (url) => {
    const answer = await get(url);
    expect(answer.headers['content-type']).toBe('application/problem+json');
    expect([400, 404]).toContain(answer.statusCode);
    expect(answer.body).not.toContain(url);
  });
});

it('the keys are published, and the private one is not', async () => {
  const { keys } = (await get('/.well-known/jwks.json', null)).json();
  expect(keys).toHaveLength(1);
  expect(Object.keys(keys[0]).sort()).toEqual(['alg', 'e', 'kid', 'kty', 'n', 'use']);
  const [header = ''] = (await token()).split('.');
  expect(keys[0].kid).toBe(JSON.parse(Buffer.from(header, 'base64url').toString()).kid);
});

it.each([
  '/',
  '/api/claims',
  '/nope',
  '/docs',
  '/docs/',
  '/docs/json',
  '/health/live',
  '/api/imports?limit=x',
  '/.well-known/jwks.json',
])('%s is answered with the headers that browsers heed', async (url) => {
  for (const bearer of [undefined, null]) {
    const { headers } = await get(url, bearer);
    expect(headers).toMatchObject({
      'content-security-policy': expect.stringContaining("default-src 'self'"),
      'x-content-type-options': 'nosniff',
      'x-frame-options': expect.stringMatching(/^(DENY|SAMEORIGIN)$/),
      'referrer-policy': 'no-referrer',
      'cross-origin-resource-policy': 'same-origin',
    });
    const isDocument = String(headers['content-type']).startsWith('text/html');
    expect(headers['cross-origin-opener-policy']).toBe(isDocument ? 'same-origin' : undefined);
    expect(headers['content-security-policy']).not.toMatch(/unsafe-inline|unsafe-eval/);
    expect(headers).not.toHaveProperty('x-powered-by');
    expect(headers).not.toHaveProperty('strict-transport-security');
    expect(headers).not.toHaveProperty('access-control-allow-origin');
  }
});

it('the app closes', async () => {
  const { app: other } = await testApp({ database });
  await other.ready();
  await expect(other.close()).resolves.toBeUndefined();
  expect(app.server.listening).toBe(false);
});
