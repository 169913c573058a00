import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import Type from 'typebox';
import type { Pool } from '../db/client.ts';
import { invalidField, problemResponses } from '../problems.ts';
import { asOf, checkTimes, claimFilters, endOfMillisecond } from './filters.ts';
import type { Repeats } from './repeats.ts';
import { claimStatuses, claimTypes } from './schema.ts';
import { type Grouping, groupings, summarizeClaims } from './summary-queries.ts';

/** As many as an answer may have: some years of months by all else that is kept, in a few megabytes. */
const mostGroups = 10_000;

const SummaryQuery = Type.Object(
  {
    by: Type.Optional(
      Type.String({
        maxLength: 100,
        description:
          `What to group by, separated by commas: ${groupings.join(', ')}; month and year are of the first day of ` +
          'service. Unless given, all claims are one group.',
        examples: ['month,type'],
      }),
    ),
    ...claimFilters,
    asOf,
  },
  { additionalProperties: false },
);

const key = (description: string) => Type.Optional(Type.Union([Type.String(), Type.Null()], { description }));
const sum = (of: string) =>
  Type.String({ description: `The sum of what was ${of}, of the claims that have it`, examples: ['1234.50'] });

const ClaimGroup = Type.Object(
  {
    month: Type.Optional(Type.String({ description: 'yyyy-mm', examples: ['2024-03'] })),
    year: Type.Optional(Type.String({ description: 'yyyy', examples: ['2024'] })),
    type: Type.Optional(Type.Enum([...claimTypes])),
    subType: key('null: the claims have none'),
    status: Type.Optional(Type.Enum([...claimStatuses])),
    payer: key("The payer's id; null: the claims name none"),
    provider: key('The NPI, or number, of the billing provider; null: the claims name none'),
    claims: Type.Integer({ description: 'How many', examples: [12] }),
    charge: sum('charged'),
    allowed: sum('allowed'),
    paid: sum('paid'),
  },
  { description: 'Claims that are alike in what they are grouped by' },
);

/** Counts and sums, from what imports keep up to date where that tells, else from the columns of the claims. */
export function summaryRoutes({ db, repeats }: { db: Pool; repeats: Repeats }): FastifyPluginAsyncTypebox {
  return async (app) => {
    app.get(
      '/api/claims/summary',
      {
        config: { scope: 'claims:read' },
        onRequest: repeats.onRequest,
        schema: {
          operationId: 'summarizeClaims',
          tags: ['claims'],
          summary: 'Count claims and sum their amounts',
          description:
            'With the filters of the list. What imports keep up to date answers by month, year, type, subType, status ' +
            'and payer, with these as filters, at a cost that does not grow with the number of claims; a serviceFrom ' +
            'or serviceTo within a month reads the claims of that month. To group by provider, or filter by anything ' +
            'else, reads every claim that the filters leave in, and asOf every state of them: narrow those down.',
          querystring: SummaryQuery,
          response: {
            200: Type.Object(
              {
                groups: Type.Array(ClaimGroup, {
                  description: `In the order of what they are grouped by, null last; at most ${mostGroups}`,
                }),
              },
              { description: 'The groups that have claims' },
            ),
            ...problemResponses(400, 401, 403, 503),
          },
        },
      },
      async (request, reply) => {
        const { by, asOf, ...filters } = request.query;
        const wanted = groupingsOf(by);
        const checked = checkTimes(filters);
        const stood = asOf === undefined ? undefined : endOfMillisecond(asOf);
        // One more than may be tells whether there are more.
        const { groups, version } = await db.run((sql) => summarizeClaims(sql, wanted, checked, mostGroups + 1, stood));
        if (groups.length > mostGroups) {
          throw invalidField(
            'by',
            `expected at most ${mostGroups} groups, found more; group by less, or narrow the claims down by filters`,
          );
        }
        const answer = { groups: groups.map((group) => ({ ...group, claims: Number(group.claims) })) };
        return repeats.send(request, reply, Buffer.from(JSON.stringify(answer)), version);
      },
    );
  };
}

function groupingsOf(by: string | undefined): Grouping[] {
  if (by === undefined) return [];
  const names = by.split(',');
  if (!names.every(isGrouping) || new Set(names).size < names.length) {
    throw invalidField('by', `expected some of ${groupings.join(', ')}, each once, separated by commas`);
  }
  return names;
}

const isGrouping = (name: string): name is Grouping => groupings.some((grouping) => grouping === name);
