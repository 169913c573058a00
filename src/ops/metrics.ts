import { createServer, type Server } from 'node:http';
import type { FastifyPluginAsync } from 'fastify';
import fp from 'fastify-plugin';
import { collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import type { Pool } from '../db/client.ts';

/** What operators watch, for Prometheus. Labels are routes and states: nothing that a client sent. */
export interface Metrics {
  registry: Registry;
  /** Observes every request that the server answers. */
  requests: FastifyPluginAsync;
}

export function createMetrics(version: string, db: Pool): Metrics {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  new Gauge({
    name: 'claims_api_info',
    help: 'Always 1; the version as a label',
    labelNames: ['version'],
    registers: [registry],
  }).set({ version }, 1);
  new Gauge({
    name: 'claims_api_database_queries',
    help: 'Queries of requests that run or wait, for all connections together',
    registers: [registry],
    collect() {
      this.set(db.busy());
    },
  });
  const durations = new Histogram({
    name: 'http_request_duration_seconds',
    help: 'From the request to the end of its answer, by the route as the API description names it',
    labelNames: ['method', 'route', 'status'],
    buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
    registers: [registry],
  });
  const requests: FastifyPluginAsync = fp(async (app) => {
    app.addHook('onResponse', (request, reply, done) => {
      const { url: route = 'none' } = request.routeOptions;
      durations.observe({ method: request.method, route, status: reply.statusCode }, reply.elapsedTime / 1000);
      done();
    });
  });
  return { registry, requests };
}

/** Answers GET /metrics, on a port of its own so that it can be kept from whoever may call the API. */
export async function serveMetrics(
  { registry }: Metrics,
  { host, port }: { host: string; port: number },
): Promise<Server> {
  const server = createServer(async ({ method, url }, answer) => {
    if (url !== '/metrics' || (method !== 'GET' && method !== 'HEAD')) {
      answer.writeHead(404).end();
      return;
    }
    answer.writeHead(200, { 'content-type': registry.contentType }).end(await registry.metrics());
  });
  const listening = Promise.withResolvers<void>();
  server.once('error', listening.reject).listen(port, host, listening.resolve);
  await listening.promise;
  return server.unref();
}
