import { randomUUID } from 'node:crypto';
import Type from 'typebox';
import { Compile } from 'typebox/compile';
import { beforeEach, describe, expect, it } from 'vitest';
import {
  expectFault,
  expectProblem,
  importClaims,
  importText,
  type Query,
  testApp,
  withQuery,
} from '../support/app.ts';
import { aClaim } from '../support/claims.ts';

const { get, request, sql, url, token } = await testApp();

beforeEach(async () => {
  await sql`truncate imports, import_files, import_rejects`;
});

interface Import {
  id: string;
  file: string;
  size: number;
  startedAt: string;
}

/** An import that is in the database without a file having been read. */
async function anImport(startedAt: string, id: string = randomUUID()): Promise<string> {
  await sql`
    insert into imports (id, file, size, content_hash, status, started_at)
    values (${id}, 'claims.ndjson', 1, ${randomUUID()}, 'completed', ${startedAt}::text::timestamptz)`;
  return id;
}

async function list(query: Query = {}) {
  const answer = await get(withQuery('/api/imports', query));
  expect(answer.statusCode, answer.body).toBe(200);
  return answer.json() as { imports: Import[]; next: string | null };
}

/** The ids page by page. */
async function pages(limit: number): Promise<string[][]> {
  const found: string[][] = [];
  for (let next: string | null = ''; next !== null; ) {
    const page = await list({ limit, ...(next && { cursor: next }) });
    found.push(page.imports.map(({ id }) => id));
    next = page.next;
    expect(found.length).toBeLessThan(100);
  }
  return found;
}

const instant = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/);

describe('the list of imports', () => {
  it('is empty before the first', async () => {
    expect(await list()).toEqual({ imports: [], next: null });
  });

  it('says what became of each file, the newest first', async () => {
    const claim = aClaim({ status: 'pending' });
    await importClaims(url, [claim, aClaim()], 'first.ndjson');
    await importText(
      url,
      `${[claim, { ...claim, status: 'paid' }, {}].map((c) => JSON.stringify(c)).join('\n')}\n`,
      'second.ndjson',
    );
    await importText(url, 'name,amount\na,1\n', 'third.csv');
    const { imports, next } = await list();
    expect(next).toBeNull();
    expect(imports).toEqual([
      expect.objectContaining({
        file: 'third.csv',
        status: 'unknown',
        format: null,
        reason: expect.any(String),
        read: 0,
      }),
      {
        id: expect.stringMatching(/^[0-9a-f-]{36}$/),
        file: 'second.ndjson',
        format: 'ndjson',
        status: 'completed',
        reason: null,
        size: imports[1]?.size,
        bytesRead: imports[1]?.size,
        fraction: 1,
        read: 3,
        added: 0,
        changed: 1,
        unchanged: 1,
        rejected: 1,
        warned: 0,
        seconds: expect.any(Number),
        startedAt: instant,
        finishedAt: instant,
      },
      expect.objectContaining({ file: 'first.ndjson', read: 2, added: 2, changed: 0, unchanged: 0, rejected: 0 }),
    ]);
  });

  it('holds 25 a page unless told otherwise', async () => {
    for (let number = 0; number < 26; number += 1) await anImport(`2024-01-01T00:00:${10 + number}Z`);
    const page = await list();
    expect(page.imports).toHaveLength(25);
    expect((await list({ cursor: page.next ?? '' })).imports).toHaveLength(1);
  });

  it.each<[string, (number: number) => string]>([
    ['at different times', (number) => `2024-01-0${number}T00:00:00Z`],
    ['at the same time', () => '2024-01-01T00:00:00Z'],
    ['within the same millisecond', (number) => `2024-01-01T00:00:00.12300${number}Z`],
    ['around the end of a millisecond', (number) => `2024-01-01T00:00:00.${999_500 + 100 * (number % 5)}Z`],
    ['before the year 1000', (number) => `0999-01-0${number}T00:00:00Z`],
  ])('pages through all that started %s, each once, with any limit', async (_when, startedAt) => {
    for (let number = 1; number <= 9; number += 1) await anImport(startedAt(number));
    const rows = await sql<{ id: string }[]>`select id from imports order by started_at desc, id desc`;
    const ids = rows.map((row) => row.id);
    for (let limit = 1; limit <= 10; limit += 1) {
      const found = await pages(limit);
      expect(found.flat(), `limit ${limit}`).toEqual(ids);
      expect(found, `limit ${limit}`).toHaveLength(Math.ceil(9 / limit));
    }
  });

  it.each(['0', '-1', '1001', 'x', '2.5', '', 'Infinity'])('refuses the limit %j', async (limit) => {
    expectFault(await get(`/api/imports?limit=${limit}`), 'limit');
  });

  const id = '5e130059-062c-8ff0-81a6-6cf7cee76c89';
  it.each([
    ['made up', 'x'],
    ['empty', ''],
    ['very long', 'x'.repeat(201)],
    ['of no time', Buffer.from(`xxxxxxxxxxxxxxxxxxxxxxxx ${id}`).toString('base64url')],
    ['of no day', Buffer.from(`2024-02-30T00:00:00.000000Z ${id}`).toString('base64url')],
    ['of no id', Buffer.from(`2024-01-01T00:00:00.000000Z ${'-'.repeat(36)}`).toString('base64url')],
    ['of a year that PostgreSQL does not know', Buffer.from(`+275760-09-13T00:00:00Z ${id}`).toString('base64url')],
    ['of a year before the first', Buffer.from(`-000001-01-01T00:00:00Z ${id}`).toString('base64url')],
    ['of a time with words', Buffer.from(`1/1/2024,00:00:00(NUL) ${id}`).toString('base64url')],
    ['of more than a place', Buffer.from(`2024-01-01T00:00:00.000000Z ${id} `).toString('base64url')],
  ])('refuses a cursor that is %s', async (_what, cursor) => {
    expectFault(await get(`/api/imports?cursor=${cursor}`), 'cursor');
  });

  it('refuses what it does not know', async () => {
    expectFault(await get('/api/imports?status=failed'), 'status');
  });
});

const numbered = (number: number) => ({ number, kind: 'reject' });

describe('an import', () => {
  it('is answered with its rejects, in the order of the file', async () => {
    const lines = [
      JSON.stringify(aClaim()),
      '{"identifier":',
      JSON.stringify({ ...aClaim({ identifier: { value: 'A3' } }), status: 'unheard of' }),
      JSON.stringify(aClaim({ identifier: { value: 'A4' }, billablePeriod: { start: '2023-02-29' } })),
    ];
    await importText(url, `${lines.join('\n')}\n`, 'some.ndjson');
    const [listed] = (await list()).imports;
    const answer = await get(`/api/imports/${listed?.id}`);
    expect(answer.statusCode).toBe(200);
    expect(answer.json()).toEqual({
      ...listed,
      status: 'completed',
      read: 4,
      added: 1,
      rejected: 3,
      rejects: [
        {
          ...numbered(1),
          position: 2,
          unit: 'line',
          claim: null,
          field: 'claim',
          reason: expect.stringContaining('valid JSON'),
        },
        {
          ...numbered(2),
          position: 3,
          unit: 'line',
          claim: 'A3',
          field: 'status',
          reason: expect.stringContaining('paid'),
        },
        {
          ...numbered(3),
          position: 4,
          unit: 'line',
          claim: 'A4',
          field: 'billablePeriod.start',
          reason: expect.any(String),
        },
      ],
    });
    expect(answer.body).not.toContain('unheard of');
    expect(answer.body).not.toContain('2023-02-29');
  });

  it('is answered with its first hundred rejects, where there are more', async () => {
    const good = JSON.stringify(aClaim());
    await importText(url, `${good}\n${'{}\n'.repeat(120)}`, 'bad.ndjson');
    const [listed] = (await list()).imports;
    const { rejects, rejected } = (await get(`/api/imports/${listed?.id}`)).json();
    expect(rejected).toBe(120);
    expect(rejects.map(({ position }: { position: number }) => position)).toEqual(
      Array.from({ length: 100 }, (_, index) => index + 2),
    );
  });

  it.each<[string, string, object]>([
    ['running, half of it read', 'running', { bytesRead: 50, fraction: 0.5 }],
    ['running, nothing of it read that is known', 'running', { bytesRead: null, fraction: null }],
    ['completed', 'completed', { fraction: 1 }],
  ])('tells how far it is: %s', async (_what, status, expected) => {
    const id = await anImport('2024-01-01T00:00:00Z');
    const bytes = (expected as { bytesRead?: number }).bytesRead ?? null;
    await sql`update imports set size = 100, status = ${status}, bytes_read = ${bytes} where id = ${id}`;
    expect((await get(`/api/imports/${id}`)).json()).toMatchObject(expected);
  });

  it('that is not there is answered 404', async () => {
    await anImport('2024-01-01T00:00:00Z');
    expectProblem(await get(`/api/imports/${randomUUID()}`), 404);
  });

  it.each(['x', '1', `urn:uuid:${randomUUID()}`, '%00'])('cannot have the id %s', async (id) => {
    expectFault(await get(`/api/imports/${id}`), 'id');
  });
});

describe('rejects', () => {
  /** An import with a reject or a warning at each of these positions. */
  async function withRejects(...found: [kind: 'reject' | 'warning', position: number][]): Promise<string> {
    const id = await anImport('2024-01-01T00:00:00Z');
    for (const [index, [kind, position]] of found.entries()) {
      await sql`
        insert into import_rejects (import_id, number, position, unit, reason, kind)
        values (${id}, ${index + 1}, ${position}, 'line', 'expected better', ${kind})`;
    }
    return id;
  }
  async function positions(id: string, params: Record<string, string>): Promise<number[][]> {
    const found: number[][] = [];
    for (let next: string | null = ''; next !== null; ) {
      const answer = await get(withQuery(`/api/imports/${id}/rejects`, { ...params, ...(next && { cursor: next }) }));
      expect(answer.statusCode, answer.body).toBe(200);
      const page = answer.json() as { rejects: { position: number }[]; next: string | null };
      found.push(page.rejects.map(({ position }) => position));
      next = page.next;
      expect(found.length).toBeLessThan(100);
    }
    return found;
  }
  const mixed = () =>
    withRejects(['reject', 3], ['warning', 4], ['reject', 8], ['reject', 8], ['warning', 9], ['reject', 12]);

  it('are paged through with the warnings, each once, in the order of the file', async () => {
    const id = await mixed();
    expect(await positions(id, { limit: '2' })).toEqual([
      [3, 4],
      [8, 8],
      [9, 12],
    ]);
    expect(await positions(id, { limit: '6' })).toHaveLength(1);
    expect(await positions(id, {})).toEqual([[3, 4, 8, 8, 9, 12]]);
  });

  it.each<[string, number[][]]>([
    [
      'reject',
      [
        [3, 8],
        [8, 12],
      ],
    ],
    ['warning', [[4, 9]]],
  ])('are listed by kind: %s', async (kind, expected) => {
    expect(await positions(await mixed(), { limit: '2', kind })).toEqual(expected);
  });

  it('of another import are not listed', async () => {
    await mixed();
    expect(await positions(await withRejects(['reject', 1]), {})).toEqual([[1]]);
  });

  it('without the warnings are part of the import', async () => {
    const { rejects } = (await get(`/api/imports/${await mixed()}`)).json();
    expect(rejects.map(({ position }: { position: number }) => position)).toEqual([3, 8, 8, 12]);
  });

  it('of an import that is not there are answered 404', async () => {
    expectProblem(await get(`/api/imports/${randomUUID()}/rejects`), 404);
  });

  it.each([
    ['limit', '0'],
    ['limit', 'Infinity'],
    ['kind', 'error'],
    ['cursor', 'x'],
    ['cursor', Buffer.from('reject 0').toString('base64url')],
    ['cursor', Buffer.from('reject 9999999999').toString('base64url')],
    ['colour', 'red'],
  ])('cannot be asked for with %s=%s', async (name, value) => {
    expectFault(await get(`/api/imports/${await mixed()}/rejects?${name}=${value}`), name);
  });
});

it.each(['/api/imports', `/api/imports/${randomUUID()}`, `/api/imports/${randomUUID()}/rejects`])(
  '%s needs the scope imports:read',
  async (address) => {
    expectProblem(await get(address, null), 401);
    expect(expectProblem(await get(address, await token(['claims:read', 'imports:write'])), 403).detail).toContain(
      'imports:read',
    );
    const allowed = await get(address, await token(['imports:read']));
    expect([200, 404]).toContain(allowed.statusCode);
  },
);

it('no method changes an import', async () => {
  const id = await anImport('2024-01-01T00:00:00Z');
  for (const method of ['POST', 'PUT', 'PATCH', 'DELETE'] as const) {
    for (const address of [...(method === 'POST' ? [] : ['/api/imports']), `/api/imports/${id}`]) {
      const answer = await request({ method, url: address, payload: {} });
      expect([404, 405], `${method} ${address}`).toContain(answer.statusCode);
    }
  }
  expect((await list()).imports).toHaveLength(1);
});

it('the answers are of the schemas that are declared for them', async () => {
  await importText(url, `${JSON.stringify(aClaim())}\n{}\n`, 'some.ndjson');
  const { paths, components } = (await get('/docs/json')).json();
  const shape = (path: string) => paths[path].get.responses[200].content['application/json'].schema;
  const check = (schema: object, body: unknown) => {
    // OpenAPI's references, as a JSON schema has them.
    const text = JSON.stringify({ ...schema, $defs: components.schemas }).replaceAll(
      '#/components/schemas/',
      '#/$defs/',
    );
    const compiled = Compile(Type.Unsafe(JSON.parse(text)));
    expect(compiled.Check({})).toBe(false);
    expect([...compiled.Errors(body)]).toEqual([]);
  };
  const page = await list();
  check(shape('/api/imports'), page);
  check(shape('/api/imports/{id}'), (await get(`/api/imports/${page.imports[0]?.id}`)).json());
  check(shape('/api/imports/{id}/rejects'), (await get(`/api/imports/${page.imports[0]?.id}/rejects`)).json());
});
