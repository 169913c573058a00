import { once } from 'node:events';
import { expect, it, onTestFinished } from 'vitest';
import { serveMetrics } from '../../src/ops/metrics.ts';
import { testApp } from '../support/app.ts';

const { metrics, get } = await testApp();

async function served() {
  const server = await serveMetrics(metrics, { host: '127.0.0.1', port: 0 });
  onTestFinished(async () => {
    server.close();
    server.closeAllConnections();
    await once(server, 'close');
  });
  const { port } = server.address() as { port: number };
  return (path: string, options?: RequestInit) => fetch(`http://127.0.0.1:${port}${path}`, options);
}

it('counts requests by their route, and holds nothing that a client sent', async () => {
  await get('/api/claims?patient=SECRET-MEMBER');
  await get('/api/claims/00000000-0000-8000-8000-00000000abcd');
  await get('/nowhere/SECRET-PATH');
  const call = await served();
  const answer = await call('/metrics');
  const text = await answer.text();
  expect(answer.headers.get('content-type')).toContain('text/plain');
  expect(text).toContain('http_request_duration_seconds_count{method="GET",route="/api/claims",status="200"} 1');
  expect(text).toContain('http_request_duration_seconds_count{method="GET",route="/api/claims/:id",status="404"} 1');
  expect(text).toContain('http_request_duration_seconds_count{method="GET",route="none",status="404"} 1');
  expect(text).toMatch(/^claims_api_info\{version="0\.0\.0-test"\} 1$/m);
  expect(text).toMatch(/^claims_api_database_queries 0$/m);
  expect(text).toMatch(/^process_resident_memory_bytes \d+$/m);
  expect(text).toMatch(/^nodejs_eventloop_lag_p99_seconds /m);
  expect(text).not.toMatch(/SECRET|abcd/);
});

it('are all that is answered on their port', async () => {
  const call = await served();
  expect((await call('/api/claims')).status).toBe(404);
  expect((await call('/metrics', { method: 'POST' })).status).toBe(404);
});

it('are not answered by the API', async () => {
  expect((await get('/metrics')).statusCode).toBe(404);
});
