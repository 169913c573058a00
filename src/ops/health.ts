import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import Type from 'typebox';
import type { Pool } from '../db/client.ts';

/** Whether there is anything to serve: false until the first load of an empty database has ended. */
export interface Readiness {
  loaded: boolean;
}

const databaseAnswersWithinMs = 2000;

const Health = Type.Object(
  {
    status: Type.String({ examples: ['ok'] }),
    version: Type.String({ examples: ['1.2.3'] }),
  },
  { description: '`ok`, or what is amiss' },
);
const config = { public: true, quiet: true };

/** Liveness says that the process answers; readiness, that it can answer questions about claims. */
export function healthRoutes(deps: { db: Pool; version: string; readiness: Readiness }): FastifyPluginAsyncTypebox {
  const { db, version, readiness } = deps;
  return async (app) => {
    app.get(
      '/health/live',
      {
        config,
        schema: {
          operationId: 'live',
          tags: ['operation'],
          summary: 'Whether the process answers',
          description: 'Depends on nothing else, the database least of all.',
          response: { 200: Health },
        },
      },
      async () => ({ status: 'ok', version }),
    );

    app.get(
      '/health/ready',
      {
        config,
        schema: {
          operationId: 'ready',
          tags: ['operation'],
          summary: 'Whether the service can answer',
          description: 'The database answers, and its first load has ended.',
          response: { 200: Health, 503: Health },
        },
      },
      async (_request, reply) => {
        const status = !(await answers(db))
          ? 'the database does not answer'
          : readiness.loaded
            ? 'ok'
            : 'loading for the first time';
        return reply.code(status === 'ok' ? 200 : 503).send({ status, version });
      },
    );
  };
}

async function answers(db: Pool): Promise<boolean> {
  const timeout = AbortSignal.timeout(databaseAnswersWithinMs);
  const late = new Promise<boolean>((resolve) => timeout.addEventListener('abort', () => resolve(false)));
  return Promise.race([
    late,
    db
      .run((sql) => sql`select 1`)
      .then(
        () => true,
        () => false,
      ),
  ]);
}
