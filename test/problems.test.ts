import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import Fastify from 'fastify';
import { pino } from 'pino';
import { afterAll, describe, expect, it } from 'vitest';
import { DatabaseUnavailable } from '../src/db/client.ts';
import { clientErrorHandler, invalidField, Problem, type ProblemKind, problems } from '../src/problems.ts';

const lines: string[] = [];
const app = Fastify({
  loggerInstance: pino({ level: 'info' }, { write: (line: string) => lines.push(line) }),
  ajv: { customOptions: { removeAdditional: false, coerceTypes: true, allErrors: true } },
});
await app.register(problems);
let thrown: unknown;
app.get('/throws', async () => {
  throw thrown;
});
app.post(
  '/validates',
  {
    schema: {
      body: {
        type: 'object',
        additionalProperties: false,
        required: ['kind'],
        properties: {
          kind: { enum: ['a', 'b'] },
          inner: { type: 'object', required: ['count'], properties: { count: { type: 'integer', maximum: 9 } } },
        },
      },
    },
  },
  async () => 'fine',
);

async function answerTo(error: unknown) {
  thrown = error;
  lines.length = 0;
  return app.inject('/throws');
}

describe('a problem', () => {
  it.each<[ProblemKind, number]>([
    ['invalid-request', 400],
    ['unauthenticated', 401],
    ['forbidden', 403],
    ['not-found', 404],
    ['method-not-allowed', 405],
    ['request-timeout', 408],
    ['too-large', 413],
    ['unsupported-media-type', 415],
    ['too-many-failures', 429],
    ['header-too-large', 431],
    ['internal', 500],
    ['unavailable', 503],
  ])('of the kind %s is answered %i, with its type, title and detail', async (kind, status) => {
    const answer = await answerTo(new Problem(kind, 'what to do next'));
    expect(answer.statusCode).toBe(status);
    expect(answer.headers['content-type']).toBe('application/problem+json');
    expect(answer.json()).toEqual({
      type: `urn:claims-api:problem:${kind}`,
      title: expect.stringMatching(/^[A-Z].+[^.]$/),
      status,
      detail: 'what to do next',
    });
    expect(answer.headers['www-authenticate']).toBe(status === 401 ? 'Bearer' : undefined);
    expect(answer.headers['retry-after']).toBeUndefined();
  });

  it('can say how long to wait', async () => {
    const answer = await answerTo(new Problem('too-many-failures', 'wait', { retryAfterSeconds: 7 }));
    expect(answer.headers['retry-after']).toBe('7');
  });

  it('of a field names it', async () => {
    const answer = await answerTo(invalidField('limit', 'must be <= 1000'));
    expect(answer.json()).toMatchObject({
      status: 400,
      detail: 'limit: must be <= 1000',
      errors: [{ field: 'limit', message: 'must be <= 1000' }],
    });
  });

  it('of the client is not logged', async () => {
    await answerTo(new Problem('forbidden', 'no'));
    expect(lines.filter((line) => JSON.parse(line).level >= 40)).toEqual([]);
  });
});

describe('an error', () => {
  it.each<[string, unknown]>([
    ['of the program', new TypeError("cannot read properties of undefined (reading 'INSIDE')")],
    [
      'of a query',
      Object.assign(new Error('relation "INSIDE" does not exist'), { name: 'PostgresError', code: '42P01' }),
    ],
    ['that claims another status of the server', Object.assign(new Error('INSIDE'), { statusCode: 502 })],
    ['that is no error', { INSIDE: true }],
  ])('%s is answered 500, and nothing of the inside is said', async (_what, error) => {
    const answer = await answerTo(error);
    expect(answer.statusCode).toBe(500);
    expect(answer.json()).toMatchObject({ type: 'urn:claims-api:problem:internal', status: 500 });
    expect(answer.body).not.toContain('INSIDE');
    expect(answer.headers['content-type']).toBe('application/problem+json');
  });

  it('of the program is logged', async () => {
    await answerTo(new TypeError('this is wrong'));
    expect(lines.map((line) => JSON.parse(line))).toContainEqual(
      expect.objectContaining({ level: 50, err: expect.objectContaining({ message: 'this is wrong' }) }),
    );
  });

  it('of a database that cannot be asked is answered 503, with the time to wait', async () => {
    const cause = new Error('connect ECONNREFUSED 10.1.2.3:5432');
    const answer = await answerTo(new DatabaseUnavailable('the database cannot be reached', { cause }));
    expect(answer.statusCode).toBe(503);
    expect(Number(answer.headers['retry-after'])).toBeGreaterThan(0);
    expect(answer.json()).toMatchObject({
      type: 'urn:claims-api:problem:unavailable',
      detail: 'the database cannot be reached; try again shortly',
    });
    expect(answer.body).not.toContain('10.1.2.3');
    expect(lines.filter((line) => JSON.parse(line).level === 40)).toHaveLength(1);
  });

  it('of Fastify about the request is answered 400 without its text', async () => {
    const answer = await answerTo(Object.assign(new Error('INSIDE'), { statusCode: 418, code: 'FST_ERR_X' }));
    expect(answer.json()).toMatchObject({ status: 400, detail: 'the request could not be understood' });
  });
});

describe('what does not fit the schema is answered 400, and named:', () => {
  it.each<[string, object, { field: string; message: string }[]]>([
    ['a missing field', {}, [{ field: 'kind', message: expect.stringContaining('required') }]],
    ['an unknown field', { kind: 'a', kidn: 1 }, [{ field: 'kidn', message: 'is not known here' }]],
    ['a value that is not of the list', { kind: 'c' }, [{ field: 'kind', message: 'must be one of a, b' }]],
    ['a field within', { kind: 'a', inner: { count: 10 } }, [{ field: 'inner.count', message: 'must be <= 9' }]],
    [
      'a missing field within',
      { kind: 'a', inner: {} },
      [{ field: 'inner.count', message: expect.stringContaining('required') }],
    ],
    [
      'everything at once',
      { kind: 'c', x: 1, inner: { count: 'x' } },
      [
        { field: 'x', message: 'is not known here' },
        { field: 'kind', message: 'must be one of a, b' },
        { field: 'inner.count', message: 'must be integer' },
      ],
    ],
    ['a body that is no object', [], [{ field: 'body', message: 'must be object' }]],
  ])('%s', async (_what, payload, errors) => {
    const answer = await app.inject({ method: 'POST', url: '/validates', payload });
    expect(answer.statusCode).toBe(400);
    expect(answer.json().errors).toEqual(expect.arrayContaining(errors));
    expect(answer.json().errors).toHaveLength(errors.length);
    for (const { field } of errors) expect(answer.json().detail).toContain(`${field}: `);
  });
});

describe('what is no request is answered and its connection ended:', async () => {
  const server = Fastify({
    loggerInstance: pino({ level: 'trace' }, { write: (line: string) => lines.push(line) }),
    clientErrorHandler,
    http: { headersTimeout: 100, connectionsCheckingInterval: 50 },
  });
  const { port } = new URL(await server.listen({ port: 0, host: '127.0.0.1' }));
  afterAll(() => server.close());

  it.each<[string, string, number, ProblemKind]>([
    ['bytes of another protocol', '\x16\x03\x01 TOKEN\r\n\r\n', 400, 'invalid-request'],
    ['a field without a name', 'GET / HTTP/1.1\r\nhost: x\r\n: TOKEN\r\n\r\n', 400, 'invalid-request'],
    ['a header without an end', 'GET / HTTP/1.1\r\nauthorization: TOKEN\r\n', 408, 'request-timeout'],
    ['a header too large', `GET / HTTP/1.1\r\nx: ${'TOKEN'.repeat(4000)}\r\n\r\n`, 431, 'header-too-large'],
  ])('%s', async (_, sent, status, kind) => {
    lines.length = 0;
    const socket = connect(Number(port), '127.0.0.1');
    socket.write(sent);
    const [head = '', body = ''] = (await text(socket)).split('\r\n\r\n');
    expect(head).toMatch(new RegExp(`^HTTP/1.1 ${status} [A-Z]`));
    expect(head).toContain('Content-Type: application/problem+json');
    expect(head).toContain(`Content-Length: ${body.length}`);
    expect(JSON.parse(body)).toMatchObject({ type: `urn:claims-api:problem:${kind}`, status });
    expect(lines.concat(body).join()).not.toContain('TOKEN');
  });
});
