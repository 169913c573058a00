import { createServer, type Server } from 'node:http';
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import type { Pool, PoolUse } from '../db/client.ts';
import { type ImportMetrics, importMetrics } from '../ingest/import-metrics.ts';

/** What operators watch, for Prometheus. Labels are routes and states: nothing that a client sent. */
export interface Metrics {
  registry: Registry;
  /** Observes a request that was answered, by the route as the API description names it. */
  request(labels: { method: string; route: string; status: number }, seconds: number): void;
  /** Counts a request that was turned away so that others are answered. */
  shed(): void;
  imports: ImportMetrics;
  end(): Promise<void>;
}

interface MetricsOptions {
  version: string;
  /** Those that answer requests, by what for. */
  pools: Record<string, Pool>;
  databaseUrl: string;
}

export function createMetrics({ version, pools, databaseUrl }: MetricsOptions): Metrics {
  const registry = new Registry();
  const registers = [registry];
  collectDefaultMetrics({ register: registry });
  new Gauge({
    name: 'claims_api_info',
    help: 'Always 1; the version as a label',
    labelNames: ['version'],
    registers,
  }).set({ version }, 1);
  const ofPool = (name: string, help: string, what: keyof PoolUse) =>
    new Gauge({
      name,
      help,
      labelNames: ['pool'],
      registers,
      collect() {
        for (const [pool, of] of Object.entries(pools)) this.set({ pool }, of.use()[what]);
      },
    });
  ofPool('claims_api_database_connections', 'Connections to the database that answer requests', 'connections');
  ofPool('claims_api_database_connections_in_use', 'Those of them that are at work', 'running');
  ofPool('claims_api_database_queries_waiting', 'Queries of requests that wait for one of them', 'waiting');
  const shed = new Counter({
    name: 'claims_api_requests_shed_total',
    help: 'Requests that were turned away so that others are answered',
    registers,
  });
  const durations = new Histogram({
    name: 'http_request_duration_seconds',
    help: 'From the request to the end of its answer, by the route as the API description names it',
    labelNames: ['method', 'route', 'status'],
    buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
    registers,
  });
  const imports = importMetrics(registry, databaseUrl);
  return {
    registry,
    request: (labels, seconds) => durations.observe(labels, seconds),
    shed: () => shed.inc(),
    imports,
    end: () => imports.end(),
  };
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
