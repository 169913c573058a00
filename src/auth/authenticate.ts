import type { FastifyRequest, RouteOptions } from 'fastify';
import fp from 'fastify-plugin';
import type { Pool } from '../db/client.ts';
import { Problem } from '../problems.ts';
import { createStandings } from './standing.ts';
import type { Tokens } from './tokens.ts';
import type { Scope } from './users.ts';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** The route needs no token. Each route is either public or names a scope. */
    public?: boolean;
    /** What the token must allow. */
    scope?: Scope;
  }
  interface FastifyRequest {
    /** The name of the user whose token came with the request; empty on public routes. */
    subject: string;
    /** What that token allows. */
    scopes: readonly string[];
  }
}

interface AuthenticateOptions {
  tokens: Tokens;
  db: Pool;
  /** Whether tokens of the demo user are good. */
  demo: boolean;
  /** Makes routes public that cannot say so themselves, being registered by plugins of others. */
  isPublic?: (route: RouteOptions) => boolean;
}

const none: readonly string[] = Object.freeze([]);

/**
 * Lets in requests to public routes, and those whose Bearer token (RFC 6750) has the scope that the route names. It must
 * be registered before the routes: one that is neither public nor names a scope fails the start.
 */
export const authenticate = fp<AuthenticateOptions>(async (app, { tokens, db, demo, isPublic }) => {
  const isCurrent = createStandings(db, demo);

  app.decorateRequest('subject', '');
  app.decorateRequest('scopes', undefined as unknown as readonly string[]); // set for each request: Fastify shares no objects

  app.addHook('onRoute', (route) => {
    if (isPublic?.(route)) route.config = { ...route.config, public: true };
    const open = route.config?.public === true;
    if (open === (route.config?.scope !== undefined)) {
      const found = open ? 'both public and of a scope' : 'neither public nor of a scope';
      throw new Error(`${route.method} ${route.url} is ${found}: set either config.public or config.scope`);
    }
  });

  app.addHook('onRequest', async (request) => {
    request.scopes = none;
    const { config } = request.routeOptions;
    if (config.public || request.is404) return;

    const { subject, scopes, issuedAt } = await tokens.verify(bearerToken(request));
    if (!(await isCurrent(subject, issuedAt))) {
      throw new Problem('unauthenticated', 'the token is revoked: its user was disabled or has a new password');
    }
    if (config.scope === undefined || !scopes.includes(config.scope)) {
      throw new Problem('forbidden', `the token lacks the scope ${config.scope}, which is needed here`);
    }
    request.subject = subject;
    request.scopes = scopes;
  });
});

function bearerToken(request: FastifyRequest): string {
  const token = /^Bearer +([\w.~+/-]+=*) *$/i.exec(request.headers.authorization ?? '')?.[1];
  if (token !== undefined) return token;
  throw new Problem(
    'unauthenticated',
    'expected the header Authorization: Bearer and a token, which POST /api/auth/login gives',
  );
}
