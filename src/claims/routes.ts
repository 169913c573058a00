import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import type { FastifyReply } from 'fastify';
import Type from 'typebox';
import type { Pool } from '../db/client.ts';
import { checkLimit, defaultLimit, pageCursor, pageLimit, uuid } from '../parameters.ts';
import { invalidField, Problem, problemResponses } from '../problems.ts';
import type { Cursors } from './cursor.ts';
import { isDate } from './date.ts';
import { type ClaimFilters, findClaim, listClaims } from './queries.ts';
import { ClaimDetail, ClaimSummary, claimStatuses, claimTypes } from './schema.ts';

/** PostgreSQL holds no NUL, so nothing could match one. */
const text = (maxLength: number, description: string, examples: string[]) =>
  Type.Optional(Type.String({ minLength: 1, maxLength, pattern: '^[^\\u0000]*$', description, examples }));
const day = (description: string) =>
  Type.Optional(Type.String({ format: 'date', description, examples: ['2025-03-31'] }));

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
        const { limit = defaultLimit, cursor, sort = '-serviceDate', ...filters } = request.query;
        checkLimit(limit);
        const checked = checkTimes(filters);
        const question = JSON.stringify([sort, ...Object.entries(filters).sort()]);
        const after = cursor === undefined ? undefined : cursors.decode(cursor, question);
        if (cursor !== undefined && after === undefined) {
          throw invalidField(
            'cursor',
            'expected the `next` of a page with the same filters and sort, found another; start again without a cursor',
          );
        }
        // One more than the page tells whether there is another.
        const rows = await db.run((sql) => listClaims(sql, checked, sort, limit + 1, after));
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
          response: { 200: Type.Ref('ClaimDetail'), ...problemResponses(400, 401, 403, 404, 503) },
        },
      },
      async (request, reply) => {
        const row = await db.run((sql) => findClaim(sql, request.params.id));
        if (row === undefined) throw new Problem('not-found', 'there is no claim of this id');
        const document = row.source === null ? row.document : `${row.document.slice(0, -1)},"source":${row.source}}`;
        return json(reply, withUpdate(document, row.updatedAt));
      },
    );
  };
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
  if (updatedSince === undefined) return filters;
  const time = new Date(updatedSince);
  if (Number.isNaN(time.getTime()) || !isDate(time.toISOString().slice(0, 10))) {
    throw invalidField('updatedSince', 'expected a time as yyyy-mm-ddThh:mm:ssZ');
  }
  return { ...filters, updatedSince: time.toISOString() };
}
