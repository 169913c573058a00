import { randomUUID } from 'node:crypto';
import diagnostics from 'node:diagnostics_channel';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import type { FastifyInstance, HTTPMethods, RouteOptions } from 'fastify';
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest';
import { scopes } from '../src/auth/users.ts';
import { claimId } from '../src/claims/identity.ts';
import { createPool, type Pool } from '../src/db/client.ts';
import { capturedLog, expectFault, expectProblem, importClaims, testApp, user } from './support/app.ts';
import { aClaim } from './support/claims.ts';
import { testDatabase } from './support/database.ts';
import { temporaryDirectory } from './support/files.ts';

// Fastify tells of its routes only those who are there before them; what it tells it changes later.
const routes: { method: string; url: string; options: RouteOptions }[] = [];
const watch = (message: unknown) => {
  const { fastify } = message as { fastify: FastifyInstance };
  fastify.addHook('onRoute', (options) => {
    for (const method of [options.method].flat()) routes.push({ method, url: options.url, options });
  });
};

const webDirectory = await temporaryDirectory();
await writeFile(join(webDirectory, 'index.html'), '<title>Claims</title>');
await writeFile(join(webDirectory, 'app.js'), 'start()');

const database = await testDatabase();
const { log, lines } = capturedLog();
/** Asks the database, until a test puts something else in its place. */
let ask: Pool['run'] = database.pool.run;
const readiness = { loaded: true };

diagnostics.subscribe('fastify.initialization', watch);
const { app, get, request, token, url } = await testApp({
  database,
  webDirectory,
  log,
  readiness,
  db: { ...database.pool, run: (work) => ask(work) },
});
diagnostics.unsubscribe('fastify.initialization', watch);

beforeEach(() => {
  lines.length = 0;
});
afterEach(() => {
  ask = database.pool.run;
  readiness.loaded = true;
});

const claim = aClaim({ patient: { id: 'P1' } });
await importClaims(url, [claim]);
const claimAddress = `/api/claims/${claimId(claim.identifier)}`;

const listed = routes.map(({ method, url, options }) => ({ method, url, config: options.config ?? {} }));

const login = (payload: object | string, headers = {}) =>
  request(
    { method: 'POST', url: '/api/auth/login', payload, headers: { 'content-type': 'application/json', ...headers } },
    null,
  );

/** A pool whose database nobody listens for. */
async function unreachable(): Promise<Pool> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  server.close();
  const pool = createPool(`postgres://claims:hunter2@127.0.0.1:${port}/claims`, 1, { name: 'tests' });
  afterAll(() => pool.end());
  return pool;
}
const lost = await testApp({ database, db: await unreachable(), readiness: { loaded: true } });

describe('routes', () => {
  it('are public only where this list says so', () => {
    const open = listed.filter(({ config }) => config.public).map(({ method, url }) => `${method} ${url}`);
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
    const closed = listed
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

  const closed = listed
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

describe('logging in', () => {
  it('gives the token that opens the list', async () => {
    const answer = await login({ username: user.name, password: user.password });
    expect(answer.statusCode).toBe(200);
    const list = await get('/api/claims?patient=P1', answer.json().token);
    expect(list.json().claims.map(({ id }: { id: string }) => id)).toEqual([claimId(claim.identifier)]);
    expect((await get('/api/imports', answer.json().token)).statusCode).toBe(200);
  });

  it('checks the password', async () => {
    expectProblem(await login({ username: user.name, password: `${user.password}x` }), 401);
  });

  it.each<[string, string | object, Record<string, string>, number]>([
    ['no JSON', '{"username":', {}, 400],
    ['empty', '', {}, 400],
    ['another JSON value', '[]', {}, 400],
    ['of JSON that would set a prototype', '{"__proto__":{"x":1},"username":"a","password":"b"}', {}, 400],
    ['ten megabytes', JSON.stringify({ username: 'a'.repeat(10_000_000), password: 'b' }), {}, 413],
    ['a form', 'username=ada', { 'content-type': 'application/x-www-form-urlencoded' }, 415],
    ['plain text', '{}', { 'content-type': 'text/plain' }, 415],
    ['of a content type that is none', '{}', { 'content-type': 'x' }, 415],
  ])('with a body that is %s is refused', async (_what, payload, headers, status) => {
    expectProblem(await login(payload, headers), status);
  });

  it('names the field that is wrong', async () => {
    expectFault(await login({ username: user.name }), 'password');
    expectFault(await login({ username: user.name, password: 'x', otp: '1' }), 'otp');
  });
});

describe('health', () => {
  it('is ready where the database answers and the first load has ended', async () => {
    const answer = await get('/health/ready', null);
    expect(answer.statusCode).toBe(200);
    expect(answer.json()).toEqual({ status: 'ok', version: '0.0.0-test' });
  });

  it('is live, and not ready, while the first load has not ended', async () => {
    readiness.loaded = false;
    expect((await get('/health/live', null)).statusCode).toBe(200);
    const answer = await get('/health/ready', null);
    expect(answer.statusCode).toBe(503);
    expect(answer.json().status).toContain('loading');
  });

  it('is live, and not ready, where the database cannot be reached', async () => {
    expect((await lost.get('/health/live', null)).json()).toEqual({ status: 'ok', version: '0.0.0-test' });
    const answer = await lost.get('/health/ready', null);
    expect(answer.statusCode).toBe(503);
    expect(answer.json()).toEqual({ status: 'the database does not answer', version: '0.0.0-test' });
  });

  it('is not ready, within seconds, where the database accepts questions and never answers', async () => {
    ask = () => new Promise(() => {});
    const answer = await get('/health/ready', null);
    expect(answer.statusCode).toBe(503);
    expect(answer.json().status).toBe('the database does not answer');
  });

  it('is live without asking the database', async () => {
    ask = () => {
      throw new Error('asked');
    };
    expect((await get('/health/live', null)).statusCode).toBe(200);
  });
});

describe('a database that cannot be reached', () => {
  it.each(['/api/claims', claimAddress, '/api/imports', `/api/imports/${randomUUID()}`])(
    'makes %s answer 503 with the time to wait, and say nothing of the inside',
    async (url) => {
      const answer = await lost.get(url);
      const problem = expectProblem(answer, 503);
      expect(problem.type).toBe('urn:claims-api:problem:unavailable');
      expect(Number(answer.headers['retry-after'])).toBeGreaterThan(0);
      expect(answer.body).not.toMatch(/127\.0\.0\.1|hunter2|ECONN|postgres/i);
    },
  );

  it('makes the login answer 503, not 401', async () => {
    const payload = { username: user.name, password: user.password };
    const answer = await lost.request({ method: 'POST', url: '/api/auth/login', payload }, null);
    expectProblem(answer, 503);
    expect(answer.headers['retry-after']).toBeDefined();
  });

  it('does not concern what needs none', async () => {
    expect((await lost.get('/.well-known/jwks.json', null)).statusCode).toBe(200);
    expect((await lost.get('/docs/json', null)).statusCode).toBe(200);
    expectProblem(await lost.get('/api/claims', null), 401);
    expectProblem(await lost.get('/nope', null), 404);
  });
});

describe('an unexpected error', () => {
  const faults: [string, Pool['run']][] = [
    ['of the program', () => Promise.reject(new TypeError('SECRET-program is not a function'))],
    ['of a query', (work) => database.pool.run((sql) => sql`select 'SECRET-query'::int`.then(() => work(sql)))],
    [
      'of a table that is gone',
      (work) => database.pool.run((sql) => sql`select * from "SECRET-table"`.then(() => work(sql))),
    ],
  ];

  it.each(faults)('%s is answered 500, and says nothing of the inside', async (_what, run) => {
    await get('/api/claims'); // so that the user's standing is known
    ask = run;
    const answer = await get('/api/claims');
    expect(expectProblem(answer, 500).type).toBe('urn:claims-api:problem:internal');
    expect(answer.body).not.toMatch(/SECRET|stack|node_modules|select|TypeError/);
  });

  it('is logged under the id of the request, which the answer tells', async () => {
    await get('/api/claims');
    lines.length = 0;
    ask = (work) => database.pool.run((sql) => sql`select 'SECRET-query'::int`.then(() => work(sql)));
    const answer = await get('/api/claims');
    const failures = lines.map((line) => JSON.parse(line)).filter(({ level }) => level === 'error');
    expect(failures).toEqual([
      expect.objectContaining({ reqId: expect.any(String), err: expect.objectContaining({ code: '22P02' }) }),
    ]);
    expect(`${JSON.stringify(answer.headers)} ${answer.body}`).toContain(failures[0].reqId);
  });
});

interface Operation {
  operationId: string;
  summary: string;
  tags: string[];
  security?: object[];
  parameters?: { name: string; in: string; required?: boolean; schema: object }[];
  requestBody?: { content: Record<string, { schema: object }> };
  responses: Record<string, { description: string; content?: Record<string, { schema: object }> }>;
}

describe('the API description', async () => {
  const document = (await get('/docs/json', null)).json();
  const operations = Object.entries(document.paths as Record<string, Record<string, Operation>>).flatMap(
    ([path, item]) =>
      Object.entries(item).map(([method, operation]) => ({ name: `${method.toUpperCase()} ${path}`, path, operation })),
  );

  it('is of OpenAPI 3.1, and says what it describes', () => {
    expect(document.openapi).toMatch(/^3\.1\.\d$/);
    expect(document.info).toEqual({ title: 'Claims API', version: '0.0.0-test', description: expect.any(String) });
    expect(document.components.securitySchemes.token).toMatchObject({ type: 'http', scheme: 'bearer' });
    expect(document.security).toEqual([{ token: [] }]);
  });

  it('describes every route of the API', () => {
    const api = listed.filter(({ method, url }) => method !== 'HEAD' && !url.startsWith('/docs') && url !== '/*');
    expect(operations.map(({ name }) => name).sort()).toEqual(
      api.map(({ method, url }) => `${method} ${url.replace(/:(\w+)/g, '{$1}')}`).sort(),
    );
  });

  it('gives each operation an id of its own', () => {
    const ids = operations.map(({ operation }) => operation.operationId);
    for (const id of ids) expect(id).toMatch(/^[a-z][A-Za-z]+$/);
    expect(new Set(ids).size).toBe(operations.length);
  });

  it.each(operations)('gives $name a summary, a tag, and a description of each answer', ({ operation }) => {
    expect(operation.summary).toMatch(/^[A-Z].{5,}[^.]$/);
    expect(operation.tags).toHaveLength(1);
    expect(operation.responses).toHaveProperty('200');
    for (const [status, response] of Object.entries(operation.responses)) {
      expect(response.description, status).toMatch(/\w/);
      expect(response.description, status).not.toBe('Default Response');
      const types =
        operation.operationId === 'exportClaims' ? ['application/x-ndjson', 'text/csv'] : ['application/json'];
      if (status === '200') expect(Object.keys(response.content ?? {})).toEqual(types);
    }
  });

  it.each(operations)('tells an example of what $name takes or answers', ({ operation }) => {
    expect(JSON.stringify(resolved(operation))).toMatch(/"examples?":/);
  });

  it('has the tags that are used, and no others', () => {
    const used = new Set(operations.flatMap(({ operation }) => operation.tags));
    expect(document.tags.map(({ name }: { name: string }) => name).sort()).toEqual([...used].sort());
  });

  it.each(operations)('says of $name whether it needs a token', ({ name, operation }) => {
    const route = listed.find(({ method, url }) => name === `${method} ${url.replace(/:(\w+)/g, '{$1}')}`);
    expect(operation.security).toEqual(route?.config.public ? [] : undefined);
  });

  it.each(operations)('has the problems that $name can answer', ({ path, operation }) => {
    const expected = [
      ...(operation.security ? [] : ['401', '403']),
      ...(operation.parameters || operation.requestBody ? ['400'] : []),
      ...(operation.requestBody ? ['413'] : []),
      ...(operation.requestBody?.content['application/json'] ? ['415'] : []),
      ...(path.includes('{id}') ? ['404'] : []),
      ...(path.startsWith('/api/') ? ['503'] : []),
    ];
    for (const status of expected) {
      expect(operation.responses[status]?.content, status).toEqual({
        'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } },
      });
    }
  });

  it.each(operations)('has the parameters of the path of $name', ({ path, operation }) => {
    const named = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name);
    const parameters = (operation.parameters ?? []).filter((parameter) => parameter.in === 'path');
    expect(parameters.map(({ name }) => name)).toEqual(named);
    for (const parameter of parameters) expect(parameter.required).toBe(true);
  });

  it.each(operations)('asks of $name for no parameter that has a default', ({ operation }) => {
    const defaults = (operation.parameters ?? []).filter(({ schema }) => 'default' in schema);
    expect(defaults.filter(({ required }) => required).map(({ name }) => name)).toEqual([]);
  });

  it('refers to nothing that is not there', () => {
    const references = [...JSON.stringify(document).matchAll(/"\$ref":"([^"]+)"/g)].map(([, reference]) => reference);
    expect(references.length).toBeGreaterThan(10);
    for (const reference of references) {
      const [, name] = /^#\/components\/schemas\/(\w+)$/.exec(reference ?? '') ?? [];
      expect(Object.keys(document.components.schemas), reference).toContain(name);
    }
  });

  it('has no words of OpenAPI 3.0', () => {
    expect(JSON.stringify(document)).not.toMatch(/"nullable":|"exclusiveM\w+":(?:true|false)/);
  });

  it('names where clients reach the service, where that is known', async () => {
    expect(document.servers).toBeUndefined();
    const elsewhere = await testApp({ database, config: { publicUrl: 'https://claims.example.com' } });
    const { servers } = (await elsewhere.get('/docs/json', null)).json();
    expect(servers).toEqual([{ url: 'https://claims.example.com' }]);
  });

  function resolved(value: unknown): unknown {
    if (Array.isArray(value)) return value.map(resolved);
    if (typeof value !== 'object' || value === null) return value;
    const { $ref } = value as { $ref?: string };
    if ($ref) return resolved(document.components.schemas[$ref.split('/').at(-1) ?? '']);
    return Object.fromEntries(Object.entries(value).map(([name, part]) => [name, resolved(part)]));
  }
});

describe('the reference page', () => {
  it('is served with all that it loads', async () => {
    const page = await get('/docs', null);
    expect(page.statusCode).toBe(200);
    expect(page.headers['content-type']).toContain('text/html');
    const loaded = [...page.body.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, address]) => address as string);
    expect(loaded.length).toBeGreaterThan(2);
    for (const address of loaded) expect((await get(address, null)).statusCode, address).toBe(200);
  });

  it('loads from its own address alone, whether or not there is TLS before it', async () => {
    const policy = String((await get('/docs', null)).headers['content-security-policy']);
    expect(policy).toContain("default-src 'self'");
    expect(policy).not.toContain('upgrade-insecure-requests');
    expect(policy).not.toContain('validator.swagger.io');
  });
});

describe('the page', () => {
  it('is served at the root', async () => {
    const answer = await get('/', null);
    expect(answer.statusCode).toBe(200);
    expect(answer.headers['content-type']).toContain('text/html');
    expect((await get('/app.js', null)).body).toBe('start()');
  });

  it('is not there where it was not built', async () => {
    expectProblem(await lost.get('/', null), 404);
  });

  it.each(['/../package.json', '/%2e%2e/package.json', '/..%5cpackage.json', '/app.js%00', '/.git/config'])(
    'leads to no file of another directory: %s',
    async (url) => {
      const answer = await get(url, null);
      expect([400, 403, 404]).toContain(answer.statusCode);
      expect(answer.body).not.toContain('claims-api"');
      expect(answer.headers['content-type']).toBe('application/problem+json');
    },
  );
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

describe('the log', () => {
  const requestLines = () => lines.map((line) => JSON.parse(line)).filter(({ msg }) => msg === 'request');

  it('has one line a request, by the pattern of its route', async () => {
    await get(`${claimAddress}?x=1`);
    await get(claimAddress);
    await get('/nope/SECRET?x=1');
    await login({ username: 'x', password: 'x' });
    const shape = {
      level: 'info',
      time: expect.any(String),
      reqId: expect.any(String),
      ms: expect.any(Number),
      msg: 'request',
    };
    expect(requestLines()).toEqual([
      { ...shape, method: 'GET', route: '/api/claims/:id', status: expect.any(Number) },
      { ...shape, method: 'GET', route: '/api/claims/:id', status: 200 },
      { ...shape, method: 'GET', route: expect.stringMatching(/^(none|\/\*)$/), status: 404 },
      { ...shape, method: 'POST', route: '/api/auth/login', status: 401 },
    ]);
  });

  it('has probes that succeed at debug level, and those that fail at info', async () => {
    await get('/health/ready', null);
    readiness.loaded = false;
    await get('/health/ready', null);
    expect(requestLines().map(({ level, status }) => [level, status])).toEqual([
      ['debug', 200],
      ['info', 503],
    ]);
  });

  it('holds no query, no id, no token, no password and no patient, whatever fails', async () => {
    const secret = 'SECRET';
    const id = claimId(claim.identifier);
    const bearer = await token();
    await importClaims(url, [aClaim({ patient: { id: `${secret}-patient` } })]);
    const urls = [
      `/api/claims?patient=${secret}-patient`,
      `/api/claims?patient=${secret}%00`,
      `/api/claims?${secret}=1`,
      `/api/claims?limit=${secret}`,
      `/api/claims?limit=Infinity&patient=${secret}`,
      `/api/claims?cursor=${secret}`,
      `/api/claims?updatedSince=${secret}`,
      `/api/claims?updatedSince=2016-12-31T23:59:60Z&patient=${secret}`,
      `/api/claims/${id}`,
      `/api/claims/urn:uuid:${id}`,
      `/api/claims/${secret}`,
      `/api/claims/${secret}${'x'.repeat(200)}`,
      `/api/claims/${secret}%zz`,
      `/api/imports/${id}`,
      `/api/imports?cursor=${secret}`,
      `/${secret}`,
      `/docs/${secret}`,
      `/docs?${secret}`,
      `/health/live?${secret}`,
    ];
    for (const url of urls) {
      await get(url);
      await get(url, null);
      await get(url, `${secret}.${secret}.${secret}`);
    }
    for (const password of [user.password, secret]) await login({ username: user.name, password });
    await login({ username: secret, password: secret });
    await login(`{"username":"${secret}"`, {});
    await login(`username=${secret}`, { 'content-type': 'application/x-www-form-urlencoded' });
    ask = (work) => database.pool.run((sql) => sql`select ${`${secret}-value`}::text::int`.then(() => work(sql)));
    await get(`/api/claims?patient=${secret}`);
    await get('/api/imports');

    expect(lines.length).toBeGreaterThan(urls.length);
    const text = lines.join('');
    for (const part of [secret, id, bearer, bearer.split('.')[2] ?? '', user.password, user.name, '?']) {
      expect(
        lines.filter((line) => line.includes(part)),
        part,
      ).toEqual([]);
    }
    expect(text).not.toContain('127.0.0.1');
  });
});

it('the app closes', async () => {
  const { app: other } = await testApp({ database });
  await other.ready();
  await expect(other.close()).resolves.toBeUndefined();
  expect(app.server.listening).toBe(false);
});
