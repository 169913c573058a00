import { describe, expect, it } from 'vitest';
import { testApp } from './support/app.ts';
import { builtPage } from './support/page.ts';
import { testAppWithRoutes } from './support/routes.ts';

const { database, get, routes } = await testAppWithRoutes({ webDirectory: await builtPage() });

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
    const api = routes.filter(({ method, url }) => method !== 'HEAD' && !url.startsWith('/docs') && url !== '/*');
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
    const route = routes.find(({ method, url }) => name === `${method} ${url.replace(/:(\w+)/g, '{$1}')}`);
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
