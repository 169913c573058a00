import Fastify from 'fastify';
import { describe, expect, it } from 'vitest';
import { Repeats } from '../../src/claims/repeats.ts';

/** A route whose answers are as long as its address says, of a data that is at the version. */
function anApp(release = '1.0.0') {
  const state = { version: '1', asked: [] as string[], failing: false };
  const repeats = new Repeats(async () => {
    if (state.failing) throw new Error('no database');
    return state.version;
  }, release);
  const app = Fastify();
  app.decorateRequest('scopes', undefined as never);
  app.addHook('onRequest', async (request) => {
    request.scopes = String(request.headers.scopes ?? 'claims:read').split(' ');
  });
  app.get<{ Params: { bytes: string } }>('/:bytes', { onRequest: repeats.onRequest }, async (request, reply) => {
    state.asked.push(request.url);
    return repeats.send(request, reply, Buffer.alloc(Number(request.params.bytes), state.version), state.version);
  });
  const get = (url: string, headers: Record<string, string> = {}) => app.inject({ url, headers });
  const times = async (count: number, url: string, headers = {}) => {
    for (let time = 0; time < count; time += 1) await get(url, headers);
  };
  const head = (url: string) => app.inject({ method: 'HEAD', url });
  return { state, get, head, times };
}

describe('a question', () => {
  it('that is asked a third time gets the bytes of the second', async () => {
    const { state, get } = anApp();
    const answers = [await get('/9'), await get('/9'), await get('/9'), await get('/9')];
    expect(state.asked).toEqual(['/9', '/9']);
    for (const { body, headers } of answers) {
      expect(body).toBe('111111111');
      expect(headers).toMatchObject({ ...answers[0]?.headers, date: expect.anything() });
    }
  });

  it('is asked anew when the version is another, also where it was at that version before', async () => {
    const { state, get, times } = anApp();
    await times(3, '/3');
    state.version = '2';
    expect((await get('/3')).body).toBe('222');
    await times(2, '/3');
    state.version = '1';
    expect((await get('/3')).body).toBe('111');
  });

  it('of others with other rights is another', async () => {
    const { state, times } = anApp();
    await times(3, '/3');
    await times(1, '/3', { scopes: 'claims:read imports:read' });
    expect(state.asked).toHaveLength(3);
  });

  it('is not answered where the version cannot be asked for', async () => {
    const { state, get, times } = anApp();
    await times(3, '/3');
    state.failing = true;
    expect((await get('/3')).statusCode).toBe(500);
  });
});

describe('a tag', () => {
  it('is answered 304 as long as the version is the same', async () => {
    const { state, get } = anApp();
    const tag = String((await get('/3')).headers.etag);
    expect(tag).toMatch(/^W\/"[\w-]+"$/);
    for (const tags of [tag, `"other", ${tag}`]) {
      const answer = await get('/3', { 'if-none-match': tags });
      expect(answer).toMatchObject({ statusCode: 304, body: '' });
      expect(answer.headers).toMatchObject({ etag: tag, 'cache-control': 'private, no-cache' });
    }
    expect(state.asked).toHaveLength(1);
    state.version = '2';
    expect((await get('/3', { 'if-none-match': tag })).body).toBe('222');
  });

  it.each(['/4', '/3?x=1'])('of another address than %s is no tag of it', async (url) => {
    const { get } = anApp();
    const tag = String((await get('/3')).headers.etag);
    expect((await get(url, { 'if-none-match': tag })).statusCode).toBe(200);
  });

  it('is the same for HEAD', async () => {
    const { get, head } = anApp();
    expect((await head('/3')).headers.etag).toBe((await get('/3')).headers.etag);
  });

  it('of another release is another', async () => {
    const tag = String((await anApp().get('/3')).headers.etag);
    expect((await anApp('1.0.1').get('/3', { 'if-none-match': tag })).statusCode).toBe(200);
  });
});

describe('what is kept', () => {
  const mebibyte = 1 << 20;

  it('is no more than 8 MiB, the oldest going first', async () => {
    const { state, times } = anApp();
    for (let index = 0; index < 20; index += 1) await times(2, `/${mebibyte}?${index}`);
    state.asked.length = 0;
    await times(1, `/${mebibyte}?19`);
    await times(1, `/${mebibyte}?13`);
    expect(state.asked).toEqual([]);
    await times(1, `/${mebibyte}?0`);
    expect(state.asked).toHaveLength(1);
  });

  it('is no answer that is larger than 2 MiB', async () => {
    const { state, times } = anApp();
    await times(4, `/${2 * mebibyte + 1}`);
    expect(state.asked).toHaveLength(4);
  });
});
