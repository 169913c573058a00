import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import Type from 'typebox';
import { isDate } from '../claims/date.ts';
import type { Pool } from '../db/client.ts';
import { checkLimit, defaultLimit, pageCursor, pageLimit, uuid } from '../parameters.ts';
import { invalidField, Problem, problemResponses } from '../problems.ts';
import * as queries from './queries.ts';

const nullable = <T extends Type.TSchema>(schema: T) => Type.Union([schema, Type.Null()]);
const count = (description: string) => Type.Integer({ minimum: 0, description });
const time = Type.String({ format: 'date-time' });

const importFields = {
  id: Type.String({ format: 'uuid' }),
  file: Type.String({ description: 'Below the data directory', examples: ['rif/carrier.csv'] }),
  format: nullable(Type.String({ examples: ['rif'] })),
  status: Type.Enum(['running', 'completed', 'failed', 'refused', 'unknown'], {
    description: 'failed: not read to its end. refused: nothing of it was taken. unknown: of no known format.',
  }),
  reason: nullable(Type.String({ description: 'Of failed, refused and unknown' })),
  size: count('Bytes'),
  read: count('Records read: claims, or patients of a beneficiary file'),
  added: count('Claims that were new'),
  changed: count('Claims that replaced an earlier state'),
  unchanged: count('Claims that were there already'),
  rejected: count('Records that were not taken'),
  seconds: Type.Number({ description: 'Spent writing, over all attempts' }),
  startedAt: time,
  finishedAt: nullable(time),
};
const Import = Type.Object(importFields, { $id: 'Import', description: "What became of a file's content" });

const Reject = Type.Object({
  position: Type.Integer({ description: 'From 1, in the unit' }),
  unit: Type.String({ examples: ['line'] }),
  claim: nullable(Type.String({ description: "The claim's own number, where it could be read" })),
  field: nullable(Type.String({ examples: ['CLM_FROM_DT'] })),
  reason: Type.String(),
});
const shownRejects = 100;
const ImportDetail = Type.Object(
  { ...importFields, rejects: Type.Array(Reject, { description: `The first ${shownRejects}` }) },
  { $id: 'ImportDetail', description: 'An import and what it did not take' },
);

const scope = 'imports:read';

export function importRoutes({ db }: { db: Pool }): FastifyPluginAsyncTypebox {
  return async (app) => {
    app.addSchema(Import);
    app.addSchema(ImportDetail);

    app.get(
      '/api/imports',
      {
        config: { scope },
        schema: {
          operationId: 'listImports',
          tags: ['imports'],
          summary: 'List imports, newest first',
          querystring: Type.Object(
            {
              limit: pageLimit,
              cursor: pageCursor,
            },
            { additionalProperties: false },
          ),
          response: {
            200: Type.Object(
              { imports: Type.Array(Type.Ref('Import')), next: nullable(Type.String()) },
              { description: 'A page of imports' },
            ),
            ...problemResponses(400, 401, 403, 503),
          },
        },
      },
      async (request) => {
        const { limit = defaultLimit, cursor } = request.query;
        checkLimit(limit);
        const after = cursor === undefined ? undefined : decode(cursor);
        const rows = await db.run((sql) => queries.listImports(sql, limit + 1, after));
        const more = rows.length > limit;
        if (more) rows.pop();
        return { imports: rows, next: more ? encode(rows.at(-1) as queries.ImportRow) : null };
      },
    );

    app.get(
      '/api/imports/:id',
      {
        config: { scope },
        schema: {
          operationId: 'getImport',
          tags: ['imports'],
          summary: 'Get one import and its first rejects',
          params: Type.Object({ id: uuid }),
          response: { 200: Type.Ref('ImportDetail'), ...problemResponses(400, 401, 403, 404, 503) },
        },
      },
      async (request) => {
        const { id } = request.params;
        const row = await db.run((sql) => queries.findImport(sql, id));
        if (row === undefined) throw new Problem('not-found', 'there is no import of this id');
        return { ...row, rejects: await db.run((sql) => queries.listRejects(sql, id, shownRejects)) };
      },
    );
  };
}

/** Not signed, as claims' are: an import's place tells nothing and the list has one order and no filter. */
const encode = (row: queries.ImportRow) => Buffer.from(`${row.startedAt} ${row.id}`).toString('base64url');

function decode(cursor: string): { startedAt: string; id: string } {
  const text = Buffer.from(cursor, 'base64url').toString();
  const match =
    /^((\d{4}-\d\d-\d\d)T(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d\.\d{6}Z) ([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})$/.exec(
      text,
    );
  const [, startedAt = '', day = '', id = ''] = match ?? [];
  if (!isDate(day)) throw invalidField('cursor', 'expected the `next` of another page; start again without a cursor');
  return { startedAt, id };
}
