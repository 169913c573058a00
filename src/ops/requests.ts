import fp from 'fastify-plugin';

/**
 * One log line a request, by the route's pattern: an address or a query can hold a patient's id. The answer tells the id
 * that all lines of the request have.
 */
export const requestLog = fp(async (app) => {
  app.addHook('onRequest', (request, reply, done) => {
    reply.header('x-request-id', request.id);
    done();
  });
  app.addHook('onResponse', (request, reply, done) => {
    const quiet = request.routeOptions.config.quiet === true && reply.statusCode < 400;
    request.log[quiet ? 'debug' : 'info'](
      {
        method: request.method,
        route: request.routeOptions.url ?? 'none',
        status: reply.statusCode,
        ms: Math.round(reply.elapsedTime * 10) / 10,
      },
      'request',
    );
    done();
  });
});

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Successful requests are logged at debug level: probes come every few seconds. */
    quiet?: boolean;
  }
}
