import type { Socket } from 'node:net';
import type { FastifyRequest, RouteOptions } from 'fastify';
import fp from 'fastify-plugin';
import type { Pool } from '../db/client.ts';
import { Problem } from '../problems.ts';
import { createStandings } from './standing.ts';
import type { Tokens, VerifiedToken } from './tokens.ts';
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

  /** What a connection sent last, which it mostly sends again: to read and hash it each time took 2 µs. */
  const latest = new WeakMap<Socket, { header: string; token: VerifiedToken }>();

  function tokenOf({ headers: { authorization: header = '' }, raw: { socket } }: FastifyRequest) {
    const before = latest.get(socket);
    if (before?.header === header && tokens.isStillGood(before.token)) return before.token;
    return tokens.verify(bearerToken(header)).then((token) => {
      latest.set(socket, { header, token });
      return token;
    });
  }

  const isOfCurrentUser = ({ subject, issuedAt }: VerifiedToken) => isCurrent(subject, issuedAt);

  function letIn(request: FastifyRequest, scope: Scope | undefined, token: VerifiedToken, isGood: boolean): void {
    if (!isGood)
      throw new Problem('unauthenticated', 'the token is revoked: its user was disabled or has a new password');
    const { subject, scopes } = token;
    if (scope === undefined || !scopes.includes(scope)) {
      throw new Problem('forbidden', `the token lacks the scope ${scope}, which is needed here`);
    }
    request.subject = subject;
    request.scopes = scopes;
  }

  // Nothing is awaited where all is known, which is nearly always.
  app.addHook('onRequest', (request, _reply, done) => {
    request.scopes = none;
    const { public: isOpen, scope } = request.routeOptions.config;
    if (isOpen || request.is404) return done();
    const token = tokenOf(request);
    const isGood = token instanceof Promise ? token.then(isOfCurrentUser) : isOfCurrentUser(token);
    if (token instanceof Promise || isGood instanceof Promise) {
      Promise.all([token, isGood])
        .then((known) => letIn(request, scope, ...known))
        .then(() => done(), done);
    } else {
      letIn(request, scope, token, isGood);
      done();
    }
  });
});

function bearerToken(header: string): string {
  const token = /^Bearer +([\w.~+/-]+=*) *$/i.exec(header)?.[1];
  if (token !== undefined) return token;
  throw new Problem(
    'unauthenticated',
    'expected the header Authorization: Bearer and a token, which POST /api/auth/login gives',
  );
}
