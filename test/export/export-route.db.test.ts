import { gunzipSync, zstdDecompressSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import type { ClaimFilters } from '../../src/claims/queries.ts';
import { exportedClaims, writeText } from '../../src/export/export-claims.ts';
import { expectFault, expectProblem, importClaims, testApp } from '../support/app.ts';
import { aClaim } from '../support/claims.ts';

const { app, get, request, token, sql, url } = await testApp({ config: { exportsAtOnce: 2 } });

await importClaims(url, [
  aClaim({ patient: { id: "O'Neil" }, status: 'denied' }),
  aClaim({ patient: { id: '=cmd()', name: { family: 'Müller, "Zoë"', given: '\u{1f600}' } }, source: undefined }),
  aClaim({ source: { text: 'quotes ", commas, lines\nand \\ back\tslashes', number: 12.5, deep: [{ a: null }] } }),
  aClaim({ patient: { id: 'Ω', name: { family: 'Großmann', given: '\u{1f600}' } }, source: { text: 'Größe' } }),
  aClaim({ insurer: undefined, provider: undefined, subType: undefined, diagnosis: [], procedure: [], item: [] }),
  aClaim({ type: 'pharmacy', billablePeriod: { start: '2023-01-05', end: '2023-01-05' }, total: { paid: '-12.50' } }),
]);

const bearer = () => token(['claims:export']);
const exported = async (query = '') => get(`/api/claims/export${query}`, await bearer());

/** What the text writer makes of the rows, which is what `claims import` reads back. */
async function written(format: 'ndjson' | 'csv'): Promise<string> {
  let text = '';
  const into = { write: (part: string) => (text += part) };
  await writeText(exportedClaims(sql), format, into as never);
  return text;
}

/** The lines, which come in no particular order. */
const sorted = (text: string) => text.split('\n').sort().join('\n');

describe('an export', () => {
  it.each([
    ['', 'ndjson', 'application/x-ndjson; charset=utf-8'],
    ['?format=csv', 'csv', 'text/csv; charset=utf-8'],
  ] as const)('%s holds all claims, as `claims export` writes them', async (query, format, type) => {
    const answer = await exported(query);
    expect(answer.statusCode).toBe(200);
    expect(answer.headers).toMatchObject({
      'content-type': type,
      'content-disposition': `attachment; filename="claims.${format}"`,
      'cache-control': 'private, no-cache',
      vary: 'accept-encoding',
    });
    expect(sorted(answer.body)).toBe(sorted(await written(format)));
  });

  const filters: ClaimFilters[] = [
    { patient: "O'Neil" },
    { type: 'pharmacy' },
    { subType: 'carrier' },
    { status: 'denied' },
    { provider: '9999283093' },
    { payer: '31143' },
    { diagnosis: 'e119' },
    { procedure: '99213' },
    { serviceFrom: '2024-01-01' },
    { serviceTo: '2023-12-31', type: 'pharmacy' },
    { updatedSince: '2020-01-01T00:00:00Z' },
    { updatedSince: '2120-01-01T00:00:00Z' },
    { patient: "'; drop table claims; --" },
  ];
  it.each(filters)('holds what the list holds with %o', async (filters) => {
    const query = `?${new URLSearchParams(filters as Record<string, string>)}`;
    const ids = (text: string) => [...text.matchAll(/^\{"id":"([^"]+)"/gm)].map(([, id]) => id);
    const listed = (await get(`/api/claims${query}`)).json().claims.map(({ id }: { id: string }) => id);
    expect(ids((await exported(query)).body).sort()).toEqual(listed.sort());
  });

  it.each([
    ['gzip', 'gzip', gunzipSync],
    ['zstd', 'zstd', zstdDecompressSync],
    ['gzip, deflate, br, zstd', 'zstd', zstdDecompressSync],
    ['zstd;q=0, gzip;q=0.5', 'gzip', gunzipSync],
  ])('is compressed where %s is accepted', async (accepted, encoding, decompress) => {
    const headers = { 'accept-encoding': accepted };
    const answer = await request({ url: '/api/claims/export', headers }, await bearer());
    expect(answer.headers['content-encoding']).toBe(encoding);
    expect(sorted(decompress(answer.rawPayload).toString())).toBe(sorted(await written('ndjson')));
  });

  it.each(['br', 'gzip;q=0', ''])('is not compressed where %j is accepted', async (accepted) => {
    const headers = { 'accept-encoding': accepted };
    const answer = await request({ url: '/api/claims/export', headers }, await bearer());
    expect(answer.headers).not.toHaveProperty('content-encoding');
  });

  it('is not sent again to who has it, as long as no claim changed', async () => {
    const { headers } = await exported();
    const again = async () =>
      request({ url: '/api/claims/export', headers: { 'if-none-match': String(headers.etag) } }, await bearer());
    expect((await again()).statusCode).toBe(304);
    await importClaims(url, [aClaim()]);
    expect((await again()).statusCode).toBe(200);
  });

  it('needs its scope', async () => {
    expectProblem(await get('/api/claims/export', await token(['claims:read'])), 403);
    expectProblem(await get('/api/claims/export', null), 401);
  });

  it.each([
    ['?format=xml', 'format'],
    ['?limit=1', 'limit'],
    ['?serviceFrom=2024-02-30', 'serviceFrom'],
    ['?colour=red', 'colour'],
  ])('refuses %s, and says what is wrong', async (query, field) => {
    expectFault(await exported(query), field);
  });
});

describe('over a socket', () => {
  const many = 20_000;
  const address = async () => {
    if (!app.server.listening) await app.listen({ port: 0, host: '127.0.0.1' });
    return `http://127.0.0.1:${(app.server.address() as { port: number }).port}/api/claims/export`;
  };
  const open = async (signal?: AbortSignal) =>
    fetch(await address(), {
      headers: { authorization: `Bearer ${await bearer()}`, 'accept-encoding': 'identity' },
      ...(signal && { signal }),
    });
  const connections = async () => {
    const [row] = await sql<{ count: number }[]>`
      select count(*)::int as count from pg_stat_activity
      where application_name = 'claims-api export' and datname = current_database()`;
    return row?.count;
  };
  const fill = async () => {
    await sql`
      insert into claims
      select gen_random_uuid(), identifier_system, 'n' || n, type, sub_type, status, patient_id, provider_id, payer_id,
        service_date, service_date_end, charge, allowed, paid, patient_responsibility, diagnoses, procedures, document,
        source, hash, version, import_id, updated_at, message, null
      from (select * from claims limit 1) c, generate_series(1, ${many}::int) n
      on conflict do nothing`;
  };
  const ended = async () => {
    while ((await connections()) !== 0) await new Promise((resolve) => setTimeout(resolve, 10));
  };

  it('stands as it was when it began, ends its connection with its client, and has no more at once than may be', async () => {
    await fill();
    const [row] = await sql<{ count: number }[]>`select count(*)::int as count from claims`;
    const leaving = new AbortController();
    const [first, second] = [await open(), await open(leaving.signal)];
    expect(await connections()).toBe(2);
    const third = await open();
    expect(third.status).toBe(503);
    expect(third.headers.get('retry-after')).toBe('10');
    expect(await third.json()).toMatchObject({ type: 'urn:claims-api:problem:unavailable' });

    // A client that leaves makes room, though it has read next to nothing.
    leaving.abort();
    await second.text().catch(() => {});
    while ((await connections()) !== 1) await new Promise((resolve) => setTimeout(resolve, 10));
    const fourth = await open();
    expect(fourth.status).toBe(200);

    await sql`delete from claims where identifier_value like 'n%'`;
    for (const answer of [first, fourth]) expect((await answer.text()).split('\n')).toHaveLength((row?.count ?? 0) + 1);
    await ended();
  });

  it('breaks off where the database does, so that nobody takes the part for the whole', async () => {
    await fill();
    const answer = await open();
    await sql`
      select pg_terminate_backend(pid) from pg_stat_activity
      where application_name = 'claims-api export' and datname = current_database()`;
    await expect(answer.text()).rejects.toThrow();
    await ended();
  });
});
