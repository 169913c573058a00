import { expect, test, vi } from 'vitest';
import { createApi, type Import, isUnderWay, Problem } from '../../src/web/api.ts';

type Answer = (url: string, init: RequestInit) => Response | Promise<Response>;

function connect(answer: Answer, token: string | undefined = 'abc') {
  const connection = {
    fetch: vi.fn(async (input: unknown, init?: RequestInit) => answer(String(input), init ?? {})),
    token: vi.fn(() => token),
    signedOut: vi.fn(),
  };
  return { ...connection, api: createApi(connection) };
}

function problem(status: number, body: object, headers: Record<string, string> = {}) {
  return new Response(JSON.stringify(body), {
    status,
    headers: { 'content-type': 'application/problem+json; charset=utf-8', ...headers },
  });
}

const never = new AbortController().signal;

async function problemOf(request: Promise<unknown>): Promise<Problem> {
  const error = await request.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!(error instanceof Problem)) throw new Error(`expected a Problem, found ${error}`);
  return error;
}

test('asks with the token and the query, and returns the answer', async () => {
  const { api, fetch } = connect(() => Response.json({ claims: [], next: null }));
  expect(await api.get('/api/claims', { patient: 'a&b', sort: '-serviceDate' }, never)).toEqual({
    claims: [],
    next: null,
  });
  expect(fetch.mock.calls[0]?.[0]).toBe('/api/claims?patient=a%26b&sort=-serviceDate');
  expect(fetch.mock.calls[0]?.[1]?.headers).toMatchObject({ authorization: 'Bearer abc' });
});

test('asks without a question mark where there is no query', async () => {
  const { api, fetch } = connect(() => Response.json({}));
  await api.get('/api/claims/17', {}, never);
  expect(fetch.mock.calls[0]?.[0]).toBe('/api/claims/17');
});

test('sends the login as JSON and without a token', async () => {
  const { api, fetch } = connect(() => Response.json({ token: 'new' }));
  expect(await api.login('anna', 'secret')).toEqual({ token: 'new' });
  const [url, init] = fetch.mock.calls[0] ?? [];
  expect(url).toBe('/api/auth/login');
  expect(init).toMatchObject({ method: 'POST', body: '{"username":"anna","password":"secret"}' });
  expect(init?.headers).not.toHaveProperty('authorization');
});

test('reads the details of a problem and the errors of its fields', async () => {
  const { api } = connect(() =>
    problem(400, {
      detail: 'serviceFrom: must be a date',
      errors: [{ field: 'serviceFrom', message: 'must be a date' }, { field: 7 }, null],
    }),
  );
  const found = await problemOf(api.get('/api/claims', {}, never));
  expect(found.status).toBe(400);
  expect(found.errors).toEqual([{ field: 'serviceFrom', message: 'must be a date' }]);
  expect(found.sentence).toBe('ServiceFrom: must be a date.');
});

test('says when to try again', async () => {
  const { api } = connect(() => problem(429, { detail: 'too many failed attempts' }, { 'retry-after': '45' }));
  const found = await problemOf(api.login('anna', 'wrong'));
  expect(found.retryAfterSeconds).toBe(45);
  expect(found.sentence).toBe('Too many failed attempts. Try again in 45 seconds.');
});

test.each([
  [1, 'Busy. Try again in 1 second.'],
  [119, 'Busy. Try again in 119 seconds.'],
  [120, 'Busy. Try again in 2 minutes.'],
  [121, 'Busy. Try again in 3 minutes.'],
])('puts a wait of %d seconds into words', (wait, sentence) => {
  expect(new Problem(429, 'busy', [], wait).sentence).toBe(sentence);
});

test('does not say twice to try again', () => {
  expect(new Problem(503, 'the database is busy; try again shortly', [], 2).sentence).toBe(
    'The database is busy; try again shortly.',
  );
});

test.each([
  ['a page of a proxy', () => new Response('<html>', { status: 502, headers: { 'content-type': 'text/html' } })],
  ['a problem without details', () => problem(502, {})],
  [
    'a problem that is no JSON',
    () => new Response('{', { status: 502, headers: { 'content-type': 'application/problem+json' } }),
  ],
])('explains %s by its status', async (_name, answer) => {
  const found = await problemOf(connect(answer).api.get('/api/claims', {}, never));
  expect(found.status).toBe(502);
  expect(found.sentence).toBe('The service answered with status 502 and no explanation.');
});

test('signs out when the service no longer takes the token', async () => {
  const { api, signedOut } = connect(() => problem(401, { detail: 'the token has expired' }));
  expect((await problemOf(api.get('/api/claims', {}, never))).status).toBe(401);
  expect(signedOut).toHaveBeenCalledOnce();
});

test('stays signed in when an old token is refused after a new login', async () => {
  const { api, signedOut, token } = connect(() => {
    token.mockReturnValue('new');
    return problem(401, { detail: 'the token has expired' });
  });
  await problemOf(api.get('/api/claims', {}, never));
  expect(signedOut).not.toHaveBeenCalled();
});

test.each([400, 403, 404, 429, 500, 503])('stays signed in after a %d', async (status) => {
  const { api, signedOut } = connect(() => problem(status, { detail: 'no' }));
  await problemOf(api.get('/api/claims', {}, never));
  expect(signedOut).not.toHaveBeenCalled();
});

test('does not sign out for a wrong password', async () => {
  const { api, signedOut } = connect(() => problem(401, { detail: 'the username or the password is wrong' }));
  expect((await problemOf(api.login('anna', 'wrong'))).sentence).toBe('The username or the password is wrong.');
  expect(signedOut).not.toHaveBeenCalled();
});

test('says so when no service answers', async () => {
  const { api } = connect(() => {
    throw new TypeError('fetch failed');
  });
  const found = await problemOf(api.get('/api/claims', {}, never));
  expect(found.status).toBe(0);
  expect(found.sentence).toBe('The service cannot be reached; check the network and try again.');
});

test('says so when the answer is not JSON', async () => {
  const { api } = connect(() => new Response('<html>'));
  expect((await problemOf(api.get('/api/claims', {}, never))).message).toContain('not JSON');
});

test('gives an aborted request up, and does not call that a problem', async () => {
  const controller = new AbortController();
  const { api } = connect(
    (_url, init) =>
      new Promise((_resolve, reject) => {
        init.signal?.addEventListener('abort', () => reject(init.signal?.reason));
      }),
  );
  const request = api.get('/api/claims', {}, controller.signal);
  controller.abort();
  await expect(request).rejects.toMatchObject({ name: 'AbortError' });
});

test.each<[Import['status'], boolean]>([
  ['queued', true],
  ['running', true],
  ['completed', false],
  ['failed', false],
  ['refused', false],
  ['unknown', false],
])('an import that is %s: there is more to come: %s', (status, expected) => {
  expect(isUnderWay({ status } as Import)).toBe(expected);
});
