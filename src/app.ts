import { randomUUID } from 'node:crypto';
import serveStatic from '@fastify/static';
import swagger from '@fastify/swagger';
import swaggerUi from '@fastify/swagger-ui';
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox';
import Fastify, { LogController } from 'fastify';
import { authenticate } from './auth/authenticate.ts';
import type { Keys } from './auth/keys.ts';
import type { Login } from './auth/login.ts';
import { authRoutes } from './auth/routes.ts';
import type { Tokens } from './auth/tokens.ts';
import type { Cursors } from './claims/cursor.ts';
import { currentVersion } from './claims/data-version.ts';
import { Repeats } from './claims/repeats.ts';
import { claimRoutes } from './claims/routes.ts';
import { summaryRoutes } from './claims/summary.ts';
import { compilersFactory } from './compilers.ts';
import type { Config } from './config.ts';
import type { Pool } from './db/client.ts';
import type { Exports } from './export/exports.ts';
import { exportRoutes } from './export/routes.ts';
import { importRoutes } from './ingest/routes.ts';
import type { Uploads } from './ingest/uploads.ts';
import type { Logger } from './log.ts';
import { bodyTimeout } from './ops/body-timeout.ts';
import { healthRoutes, type Readiness } from './ops/health.ts';
import type { Metrics } from './ops/metrics.ts';
import { requests } from './ops/requests.ts';
import { securityHeaders } from './ops/security-headers.ts';
import { createShedding } from './ops/shedding.ts';
import { clientErrorHandler, frameworkErrors, problems } from './problems.ts';

export interface AppDependencies {
  version: string;
  log: Logger;
  db: Pool;
  /** For what may take longer than a look-up, which is not to wait behind it. */
  searches: Pool;
  exports: Exports;
  keys: Keys;
  tokens: Tokens;
  login: Login;
  cursors: Cursors;
  readiness: Readiness;
  uploads: Uploads;
  /** Undefined where nobody reads them. */
  metrics: Metrics | undefined;
  /** The built page; undefined where it was not built, as in most tests. */
  webDirectory: string | undefined;
}

/** The server, composed in the order in which its parts depend on each other. It does not listen yet. */
export async function buildApp(
  config: Pick<Config, 'capacity' | 'trustedProxies' | 'insecureDemo' | 'publicUrl' | 'uploadLimitBytes'>,
  deps: AppDependencies,
) {
  const { db, version } = deps;
  const repeats = new Repeats(currentVersion(db), version);
  const shedding = createShedding({
    capacity: config.capacity,
    log: deps.log,
    count: () => deps.metrics?.shed(),
  });
  const app = Fastify({
    serverFactory: shedding.serverFactory,
    loggerInstance: deps.log,
    // ops/requests.ts logs requests: Fastify's own lines hold the address with its query.
    logController: new LogController({ disableRequestLogging: true }),
    trustProxy: config.trustedProxies.length > 0 ? config.trustedProxies : false,
    bodyLimit: 1 << 20,
    genReqId: () => randomUUID(),
    // Unknown fields are errors, not dropped: a filter with a spelling mistake would answer another question.
    ajv: { customOptions: { removeAdditional: false, coerceTypes: true, allErrors: true } },
    schemaController: { compilersFactory },
    frameworkErrors,
    clientErrorHandler,
    return503OnClosing: true,
    forceCloseConnections: 'idle',
    // Not for bodies, which ops/body-timeout.ts sees to.
    http: { headersTimeout: 30_000, connectionsCheckingInterval: 5000 },
    requestTimeout: 0,
    // Of a connection on which nothing is sent or read: one without a request, or whose client does not read its answer.
    // Longer than the 60 s of load balancers, which else ask on a connection that is just ended.
    connectionTimeout: 72_000,
  }).withTypeProvider<TypeBoxTypeProvider>();

  // What is sent as text is of an unsupported type, not a body that fails its schema.
  app.removeContentTypeParser('text/plain');
  await app.register(problems);
  await app.register(requests, { observe: deps.metrics?.request });
  await app.register(shedding.answers);
  await app.register(bodyTimeout);
  await app.register(securityHeaders);
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'Claims API',
        version,
        description: 'Healthcare claims from mounted files: searchable and secured.',
      },
      components: { securitySchemes: { token: { type: 'http', scheme: 'bearer', bearerFormat: 'JWT' } } },
      security: [{ token: [] }],
      ...(config.publicUrl && { servers: [{ url: config.publicUrl }] }),
      tags: [
        { name: 'claims', description: 'The claims' },
        { name: 'imports', description: 'How they came in' },
        { name: 'authentication', description: 'Tokens and keys' },
        { name: 'operation', description: 'Probes' },
      ],
    },
    refResolver: { buildLocalReference: (schema, _base, _fragment, index) => String(schema.$id ?? `schema-${index}`) },
    transform: ({ schema, url, route }) => ({
      schema: route.config?.public ? { ...schema, security: [] } : schema,
      url,
    }),
  });
  await app.register(authenticate, {
    tokens: deps.tokens,
    db,
    demo: config.insecureDemo,
    isPublic: ({ url }) => url === '/' || url === '/*' || url.startsWith('/docs'),
  });
  await app.register(swaggerUi, {
    routePrefix: '/docs',
    // Its own policy lets pictures of a public service in, which would validate the description.
    staticCSP: "default-src 'self'; img-src 'self' data:; frame-ancestors 'none'; base-uri 'none'",
    uiConfig: { validatorUrl: null },
  });
  await app.register(authRoutes({ login: deps.login, keys: deps.keys }));
  await app.register(claimRoutes({ db, searches: deps.searches, cursors: deps.cursors, repeats }));
  await app.register(summaryRoutes({ db: deps.searches, repeats }));
  await app.register(exportRoutes({ exports: deps.exports, repeats }));
  await app.register(importRoutes({ db, uploads: deps.uploads, uploadLimitBytes: config.uploadLimitBytes }));
  await app.register(healthRoutes({ db, version, readiness: deps.readiness }));
  if (deps.webDirectory) await app.register(serveStatic, { root: deps.webDirectory });
  return app;
}
