import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import type { FastifyReply } from 'fastify';
import Type from 'typebox';
import type { Pool } from '../db/client.ts';
import { checkLimit, defaultLimit, pageCursor, pageLimit, uuid } from '../parameters.ts';
import { invalidField, Problem, problemResponses } from '../problems.ts';
import type { Cursors } from './cursor.ts';
import { asOf, checkTimes, claimFilters, endOfMillisecond } from './filters.ts';
import { ClaimState, listStates, renderState } from './history.ts';
import { findClaim, findClaimAsOf, listClaims } from './queries.ts';
import { withSource } from './render.ts';
import { ClaimDetail, ClaimSummary } from './schema.ts';

const ListQuery = Type.Object(
  {
    limit: pageLimit,
    cursor: pageCursor,
    sort: Type.Optional(
      Type.Enum(['-serviceDate', 'serviceDate'], {
        default: '-serviceDate',
        description: 'By first day of service: newest first, or oldest first',
      }),
    ),
    ...claimFilters,
    asOf,
  },
  { additionalProperties: false },
);

const ClaimPage = Type.Object(
  {
    claims: Type.Array(Type.Ref('Claim')),
    next: Type.Union([Type.String(), Type.Null()], {
      description: 'The cursor of the next page; null on the last one',
    }),
  },
  { description: 'A page of claims' },
);

const scope = 'claims:read';

/** The list and the single claim. Documents go out as they are stored: nothing parses and prints them again. */
export function claimRoutes({ db, cursors }: { db: Pool; cursors: Cursors }): FastifyPluginAsyncTypebox {
  return async (app) => {
    app.addSchema(ClaimSummary);
    app.addSchema(ClaimDetail);
    app.addSchema(ClaimState);

    app.get(
      '/api/claims',
      {
        config: { scope },
        schema: {
          operationId: 'listClaims',
          tags: ['claims'],
          summary: 'List claims',
          description: 'Pages by keyset: each costs the same, however deep. There is no count.',
          querystring: ListQuery,
          response: { 200: ClaimPage, ...problemResponses(400, 401, 403, 503) },
        },
      },
      async (request, reply) => {
        const { limit = defaultLimit, cursor, sort = '-serviceDate', asOf, ...filters } = request.query;
        checkLimit(limit);
        const checked = checkTimes(filters);
        const stood = asOf === undefined ? undefined : endOfMillisecond(asOf);
        const question = JSON.stringify([
          sort,
          ...Object.entries({ ...filters, ...(stood && { asOf: stood }) }).sort(),
        ]);
        const after = cursor === undefined ? undefined : cursors.decode(cursor, question);
        if (cursor !== undefined && after === undefined) {
          throw invalidField(
            'cursor',
            'expected the `next` of a page with the same filters and sort, found another; start again without a cursor',
          );
        }
        // One more than the page tells whether there is another.
        const rows = await db.run((sql) => listClaims(sql, checked, sort, limit + 1, after, stood));
        const more = rows.length > limit;
        if (more) rows.pop();
        const last = rows.at(-1);
        const next = more && last ? `"${cursors.encode(last, question)}"` : 'null';
        const documents = rows.map((row) => withUpdate(row.document, row.updatedAt));
        return json(reply, `{"claims":[${documents.join(',')}],"next":${next}}`);
      },
    );

    app.get(
      '/api/claims/:id',
      {
        config: { scope },
        schema: {
          operationId: 'getClaim',
          tags: ['claims'],
          summary: 'Get one claim',
          params: Type.Object({ id: uuid }),
          querystring: Type.Object({ asOf }, { additionalProperties: false }),
          response: { 200: Type.Ref('ClaimDetail'), ...problemResponses(400, 401, 403, 404, 503) },
        },
      },
      async (request, reply) => {
        const { id } = request.params;
        const { asOf } = request.query;
        const stood = asOf === undefined ? undefined : endOfMillisecond(asOf);
        const row = await db.run((sql) => (stood === undefined ? findClaim(sql, id) : findClaimAsOf(sql, id, stood)));
        if (row === undefined) {
          throw new Problem('not-found', stood ? 'there was no claim of this id then' : 'there is no claim of this id');
        }
        return json(reply, withUpdate(withSource(row.document, row.source), row.updatedAt));
      },
    );

    app.get(
      '/api/claims/:id/history',
      {
        config: { scope },
        schema: {
          operationId: 'getClaimHistory',
          tags: ['claims'],
          summary: 'List the states of a claim',
          description: 'The latest first, each with the import and the message that brought it and that ended it.',
          params: Type.Object({ id: uuid }),
          querystring: Type.Object({ limit: pageLimit, cursor: pageCursor }, { additionalProperties: false }),
          response: {
            200: Type.Object(
              {
                states: Type.Array(Type.Ref('ClaimState')),
                next: Type.Union([Type.String(), Type.Null()], {
                  description: 'The cursor of the next page; null on the last one',
                }),
              },
              { description: 'A page of states' },
            ),
            ...problemResponses(400, 401, 403, 404, 503),
          },
        },
      },
      async (request, reply) => {
        const { limit = defaultLimit, cursor } = request.query;
        checkLimit(limit);
        const before = cursor === undefined ? latest : versionOf(cursor);
        const rows = await db.run((sql) => listStates(sql, request.params.id, before, limit + 1));
        if (rows.length === 0 && cursor === undefined)
          throw new Problem('not-found', 'there never was a claim of this id');
        const more = rows.length > limit;
        if (more) rows.pop();
        const last = rows.at(-1);
        const next = more && last ? `"${Buffer.from(`v${last.version}`).toString('base64url')}"` : 'null';
        return json(reply, `{"states":[${rows.map(renderState).join(',')}],"next":${next}}`);
      },
    );
  };
}

const latest = 2 ** 31 - 1;

function versionOf(cursor: string): number {
  const [, version] = /^v([1-9]\d{0,8})$/.exec(Buffer.from(cursor, 'base64url').toString()) ?? [];
  if (version === undefined) {
    throw invalidField('cursor', 'expected the `next` of another page; start again without a cursor');
  }
  return Number(version);
}

/** The time of the last change is the one thing that is not known when the document is rendered. */
const withUpdate = (document: string, updatedAt: Date) =>
  `${document.slice(0, -1)},"lastUpdated":"${updatedAt.toISOString()}"}`;

/** JSON that is text already: Fastify sends a string of this content type as it is, whatever the schema. */
function json(reply: Pick<FastifyReply, 'header'>, text: string): never {
  reply.header('content-type', 'application/json; charset=utf-8');
  reply.header('cache-control', 'private, no-cache');
  return text as never;
}
