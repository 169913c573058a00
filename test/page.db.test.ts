import { describe, expect, it } from 'vitest';
import { expectProblem, testApp } from './support/app.ts';
import { builtPage } from './support/page.ts';

const { database, get } = await testApp({ webDirectory: await builtPage() });
const unbuilt = await testApp({ database });

describe('the page', () => {
  it('is served at the root', async () => {
    const answer = await get('/', null);
    expect(answer.statusCode).toBe(200);
    expect(answer.headers['content-type']).toContain('text/html');
    expect((await get('/app.js', null)).body).toBe('start()');
  });

  it('is not there where it was not built', async () => {
    expectProblem(await unbuilt.get('/', null), 404);
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
