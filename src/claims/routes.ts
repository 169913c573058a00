import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import Type from 'typebox';
import type { Pool } from '../db/client.ts';
import { joined } from '../db/joined.ts';
import { checkLimit, defaultLimit, pageCursor, pageLimit, uuid } from '../parameters.ts';
import { invalidField, Problem, problemResponses } from '../problems.ts';
import { claimAnswer, pageAnswer } from './answer.ts';
import type { Cursors } from './cursor.ts';
import { asOf, checkTimes, claimFilters, endOfMillisecond } from './filters.ts';
import { ClaimState, listStates, renderState } from './history.ts';
import {
  findClaimAsOf,
  findClaims,
  isLookup,
  type ListQuestion,
  listClaims,
  listTogether,
  type Page,
  shapeOf,
} from './queries.ts';
import type { Repeats } from './repeats.ts';
import { ClaimDetail, ClaimSummary } from './schema.ts';

const ListQuery = Type.Object(
  {
    limit: pageLimit,
    cursor: pageCursor,
    sort: Type.Optional(
      Type.Enum(['-serviceDate', 'serviceDate'], {
        default: '-serviceDate',
        description: 'By first day of service, and those of a day as they came: newest first, or oldest first',
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

/** Of one statement: some hundred kilobytes. */
const mostPages = 16;

interface ClaimRoutesOptions {
  db: Pool;
  searches: Pool;
  cursors: Cursors;
  repeats: Repeats;
}

/** The list and the single claim. Documents go out as they are stored: nothing parses and prints them again. */
export function claimRoutes({ db, searches, cursors, repeats }: ClaimRoutesOptions): FastifyPluginAsyncTypebox {
  const findClaim = joined((ids: string[]) => db.run((sql) => findClaims(sql, ids)));
  const lookUps = new Map<string, (question: ListQuestion) => Promise<Page>>();

  function list(question: ListQuestion, asOf?: string): Promise<Page> {
    if (asOf !== undefined || !isLookup(question)) return searches.run((sql) => listClaims(sql, question, asOf));
    const shape = shapeOf(question);
    let lookUp = lookUps.get(shape);
    if (lookUp === undefined) {
      lookUp = joined((questions) => db.run((sql) => listTogether(sql, questions)), mostPages);
      lookUps.set(shape, lookUp);
    }
    return lookUp(question);
  }

  return async (app) => {
    app.addSchema(ClaimSummary);
    app.addSchema(ClaimDetail);
    app.addSchema(ClaimState);

    app.get(
      '/api/claims',
      {
        config: { scope },
        onRequest: repeats.onRequest,
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
        const page = await list({ filters: checked, sort, limit, after }, stood);
        const answer = pageAnswer(page, page.next && cursors.encode(page.next, question));
        return repeats.send(request, reply, answer, page.version);
      },
    );

    app.get(
      '/api/claims/:id',
      {
        config: { scope },
        onRequest: repeats.onRequest,
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
        const claim = await (stood === undefined
          ? findClaim(id.toLowerCase())
          : searches.run((sql) => findClaimAsOf(sql, id, stood)));
        if (claim === undefined) {
          throw new Problem('not-found', stood ? 'there was no claim of this id then' : 'there is no claim of this id');
        }
        return repeats.send(request, reply, claimAnswer(claim), claim.version);
      },
    );

    app.get(
      '/api/claims/:id/history',
      {
        config: { scope },
        onRequest: repeats.onRequest,
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
        const { states: rows, version } = await db.run((sql) => listStates(sql, request.params.id, before, limit + 1));
        if (rows.length === 0 && cursor === undefined)
          throw new Problem('not-found', 'there never was a claim of this id');
        const more = rows.length > limit;
        if (more) rows.pop();
        const last = rows.at(-1);
        const next = more && last ? `"${Buffer.from(`v${last.version}`).toString('base64url')}"` : 'null';
        const answer = Buffer.from(`{"states":[${rows.map(renderState).join(',')}],"next":${next}}`);
        return repeats.send(request, reply, answer, version);
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
