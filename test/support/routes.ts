import diagnostics from 'node:diagnostics_channel';
import type { FastifyInstance, RouteOptions } from 'fastify';
import { type TestAppOptions, testApp } from './app.ts';

/** A test app, and the routes that it has. */
export async function testAppWithRoutes(options: TestAppOptions) {
  // Fastify tells of its routes only those who are there before them; what it tells it changes later.
  const told: { method: string; url: string; options: RouteOptions }[] = [];
  const watch = (message: unknown) => {
    const { fastify } = message as { fastify: FastifyInstance };
    fastify.addHook('onRoute', (options) => {
      for (const method of [options.method].flat()) told.push({ method, url: options.url, options });
    });
  };
  diagnostics.subscribe('fastify.initialization', watch);
  const made = await testApp(options);
  diagnostics.unsubscribe('fastify.initialization', watch);
  const routes = told.map(({ method, url, options }) => ({ method, url, config: options.config ?? {} }));
  return { ...made, routes };
}
