import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import Type from 'typebox';
import { isDate } from '../claims/date.ts';
import type { Pool } from '../db/client.ts';
import { checkLimit, defaultLimit, pageCursor, pageLimit, uuid } from '../parameters.ts';
import { invalidField, Problem, problemResponses } from '../problems.ts';
import * as queries from './import-queries.ts';
import { Import, ImportDetail, kinds, nullable, Reject, shownRejects } from './import-schemas.ts';
import { uploadRoute } from './upload-route.ts';
import type { Uploads } from './uploads.ts';

interface ImportRoutesOptions {
  db: Pool;
  uploads: Uploads;
  uploadLimitBytes: number;
}

const scope = 'imports:read';

export function importRoutes({ db, ...upload }: ImportRoutesOptions): FastifyPluginAsyncTypebox {
  return async (app) => {
    app.addSchema(Import);
    app.addSchema(Reject);
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
        const row = await find(id);
        const rejects = await db.run((sql) => queries.listRejects(sql, id, { limit: shownRejects, kind: 'reject' }));
        return { ...row, rejects };
      },
    );

    app.get(
      '/api/imports/:id/rejects',
      {
        config: { scope },
        schema: {
          operationId: 'listRejects',
          tags: ['imports'],
          summary: 'List what an import did not take, and its warnings',
          description: 'In the order of the file. While the import runs, the last page may grow.',
          params: Type.Object({ id: uuid }),
          querystring: Type.Object(
            { limit: pageLimit, cursor: pageCursor, kind: Type.Optional(Type.Enum([...kinds])) },
            { additionalProperties: false },
          ),
          response: {
            200: Type.Object(
              { rejects: Type.Array(Type.Ref('Reject')), next: nullable(Type.String()) },
              { description: 'A page of rejects and warnings' },
            ),
            ...problemResponses(400, 401, 403, 404, 503),
          },
        },
      },
      async (request) => {
        const { id } = request.params;
        const { limit = defaultLimit, cursor, kind = null } = request.query;
        checkLimit(limit);
        const after = cursor === undefined ? 0 : decodeNumber(cursor);
        await find(id);
        const rejects = await db.run((sql) => queries.listRejects(sql, id, { limit: limit + 1, after, kind }));
        const more = rejects.length > limit;
        if (more) rejects.pop();
        return { rejects, next: more ? encodeNumber(rejects.at(-1)?.number ?? 0) : null };
      },
    );

    await app.register(uploadRoute(upload));

    async function find(id: string): Promise<queries.ImportRow> {
      const row = await db.run((sql) => queries.findImport(sql, id));
      if (row === undefined) throw new Problem('not-found', 'there is no import of this id');
      return row;
    }
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
  if (!isDate(day)) throw badCursor();
  return { startedAt, id };
}

const encodeNumber = (number: number) => Buffer.from(`reject ${number}`).toString('base64url');

function decodeNumber(cursor: string): number {
  const [, number] = /^reject ([1-9]\d{0,8})$/.exec(Buffer.from(cursor, 'base64url').toString()) ?? [];
  if (number === undefined) throw badCursor();
  return Number(number);
}

const badCursor = () => invalidField('cursor', 'expected the `next` of another page; start again without a cursor');
