import fp from 'fastify-plugin';
import type { Metrics } from './metrics.ts';

interface RequestsOptions {
  /** Is told of every request that the server answered. */
  observe: Metrics['request'] | undefined;
}

/**
 * One log line a request, by the route's pattern: an address or a query can hold a patient's id. The answer tells the id
 * that all lines of the request have.
 */
export const requests = fp<RequestsOptions>(async (app, { observe }) => {
  app.addHook('onSend', (request, reply, payload, done) => {
    reply.header('x-request-id', request.id);
    done(null, payload);
  });
  app.addHook('onResponse', (request, reply, done) => {
    // Once: Fastify makes an object of a dozen properties each time.
    const { url: route = 'none', config } = request.routeOptions;
    const { method } = request;
    const { statusCode: status, elapsedTime } = reply;
    const quiet = config.quiet === true && status < 400;
    request.log[quiet ? 'debug' : 'info']({ method, route, status, ms: Math.round(elapsedTime * 10) / 10 }, 'request');
    observe?.({ method, route, status }, elapsedTime / 1000);
    done();
  });
});

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Successful requests are logged at debug level: probes come every few seconds. */
    quiet?: boolean;
  }
}
