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
  app.addHook('onRequest', async (request) => {
    const { headers, raw } = request;
    const hasBody = headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;
    if (!hasBody || request.routeOptions.config.longBody) return;
    const timer = setTimeout(() => raw.destroy(), bodySeconds * 1000).unref();
    raw.once('end', () => clearTimeout(timer));
    raw.once('close', () => clearTimeout(timer));
  });
  app.addHook('onResponse', async ({ raw }) => {
    if (raw.complete || raw.destroyed) return;
    const timer = setTimeout(() => raw.destroy(), restSeconds * 1000).unref();
    raw.once('close', () => clearTimeout(timer));
  });
});

declare module 'fastify' {
  interface FastifyContextConfig {
    /** The route reads a body of any length, and itself sees to it that the client sends one. */
    longBody?: boolean;
  }
}
