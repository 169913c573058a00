import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import type { FastifyReply } from 'fastify';
import Type from 'typebox';
import type { Pool } from '../db/client.ts';
import { checkLimit, defaultLimit, pageCursor, pageLimit, uuid } from '../parameters.ts';
import { invalidField, Problem, problemResponses } from '../problems.ts';
import type { Cursors } from './cursor.ts';
import { isDate } from './date.ts';
import { ClaimState, listStates, renderState } from './history.ts';
import { type ClaimFilters, findClaim, findClaimAsOf, listClaims } from './queries.ts';
import { withSource } from './render.ts';
import { ClaimDetail, ClaimSummary, claimStatuses, claimTypes } from './schema.ts';

/** PostgreSQL holds no NUL, so nothing could match one. */
const text = (maxLength: number, description: string, examples: string[]) =>
  Type.Optional(Type.String({ minLength: 1, maxLength, pattern: '^[^\\u0000]*$', description, examples }));
const day = (description: string) =>
  Type.Optional(Type.String({ format: 'date', description, examples: ['2025-03-31'] }));

const asOf = Type.Optional(
  Type.String({
    format: 'date-time',
    description: 'Answers as the database stood at this time, to its millisecond; states that came later do not count',
    examples: ['2025-03-31T00:00:00Z'],
  }),
);

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
    patient: text(100, "The patient's id", ['-1000014']),
    type: Type.Optional(Type.Enum([...claimTypes], { description: 'FHIR claim type' })),
    subType: text(50, 'What the source calls the type: inpatient, carrier, pde, …', ['inpatient']),
    status: Type.Optional(Type.Enum([...claimStatuses], { description: 'Where the claim stands' })),
    provider: text(100, 'The NPI, or number, of the billing provider', ['8888863056']),
    payer: text(100, "The payer's id", ['31143']),
    diagnosis: text(50, 'A diagnosis code of the claim, with or without its dot', ['E11.9']),
    procedure: text(50, 'A procedure or service code of the claim or one of its items', ['99213']),
    serviceFrom: day('The first day of service is this day or later'),
    serviceTo: day('The first day of service is this day or earlier'),
    updatedSince: Type.Optional(
      Type.String({
        format: 'date-time',
        description:
          'Claims that an import brought or changed at this time or later. To follow changes, ask from a minute before ' +
          'the last answer on: imports that end show times since their last batch began.',
        examples: ['2025-03-31T00:00:00Z'],
      }),
    ),
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

/** What a date format lets through and PostgreSQL does not: years before 1, leap seconds, offsets without minutes. */
function checkTimes(filters: ClaimFilters): ClaimFilters {
  for (const field of ['serviceFrom', 'serviceTo'] as const) {
    const day = filters[field];
    if (day !== undefined && !isDate(day)) throw invalidField(field, 'expected a day of the calendar as yyyy-mm-dd');
  }
  const { updatedSince } = filters;
  return updatedSince === undefined ? filters : { ...filters, updatedSince: timeOf('updatedSince', updatedSince) };
}

function timeOf(field: string, text: string): string {
  const time = new Date(text);
  if (Number.isNaN(time.getTime()) || !isDate(time.toISOString().slice(0, 10))) {
    throw invalidField(field, 'expected a time as yyyy-mm-ddThh:mm:ssZ');
  }
  return time.toISOString();
}

/** States have times to the microsecond and show them to the millisecond: a shown time is to find its state. */
const endOfMillisecond = (asOf: string) => timeOf('asOf', asOf).replace('Z', '999Z');
