import type { IncomingMessage } from 'node:http';
import fp from 'fastify-plugin';

interface BodyTimeoutOptions {
  bodySeconds?: number;
  /** For the rest of a body that was answered before its end, so that the client reads the answer. */
  restSeconds?: number;
}

/**
 * Ends connections whose body takes too long. Node's own limit is one for all routes, and a large upload takes longer
 * than any other request may.
 */
export const bodyTimeout = fp<BodyTimeoutOptions>(async (app, { bodySeconds = 30, restSeconds = 5 }) => {
  app.addHook('onRequest', (request, _reply, done) => {
    const { raw } = request;
    if (hasBody(raw) && !request.routeOptions.config.longBody) endAfter(bodySeconds, raw, ['end', 'close']);
    done();
  });
  app.addHook('onResponse', ({ raw }, _reply, done) => {
    if (!raw.complete && !raw.destroyed) endAfter(restSeconds, raw, ['close']);
    done();
  });
});

const hasBody = ({ headers }: IncomingMessage) =>
  headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;

/** Unless one of these events comes before. */
function endAfter(seconds: number, request: IncomingMessage, events: string[]): void {
  const timer = setTimeout(() => request.destroy(), seconds * 1000).unref();
  for (const event of events) request.once(event, () => clearTimeout(timer));
}

declare module 'fastify' {
  interface FastifyContextConfig {
    /** The route reads a body of any length, and itself sees to it that the client sends one. */
    longBody?: boolean;
  }
}
