import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import type { FastifyReply, FastifyRequest } from 'fastify';
import Type from 'typebox';
import { checkTimes, claimFilters } from '../claims/filters.ts';
import type { Repeats } from '../claims/repeats.ts';
import { problemResponses } from '../problems.ts';
import { copiedFormats } from './copy-out.ts';
import type { Encoding, Exports } from './exports.ts';

const mediaTypes = { ndjson: 'application/x-ndjson; charset=utf-8', csv: 'text/csv; charset=utf-8' };

/** A client that takes less than this in so many seconds keeps others from exporting. */
const leastBytes = 256 << 10;
const slowSeconds = 30;

const Query = Type.Object(
  {
    format: Type.Optional(
      Type.Enum([...copiedFormats], {
        default: 'ndjson',
        description:
          '`ndjson`: a claim a line, as the canonical JSON; `csv`: flat columns, and in the last one the claim',
      }),
    ),
    ...claimFilters,
  },
  { additionalProperties: false },
);

/** GET /api/claims/export: what `claims export` writes, of the claims that match, as they come. */
export function exportRoutes({ exports, repeats }: { exports: Exports; repeats: Repeats }): FastifyPluginAsyncTypebox {
  return async (app) => {
    app.get(
      '/api/claims/export',
      {
        config: { scope: 'claims:export' },
        exposeHeadRoute: false, // It would read all that it does not send.
        onRequest: repeats.onRequest,
        schema: {
          operationId: 'exportClaims',
          tags: ['claims'],
          summary: 'Export claims',
          description:
            'All claims that match, in no particular order, as they stood when the export began; `claims import` reads ' +
            'them back to the same. Compressed where Accept-Encoding allows zstd or gzip. An export that breaks off ends ' +
            'the connection before the last chunk. Clients that read too slowly are cut off.',
          querystring: Query,
          response: {
            200: {
              description: 'The claims',
              content: Object.fromEntries(
                Object.values(mediaTypes).map((type) => [type.split(';')[0], { schema: Type.String() }]),
              ),
            },
            ...problemResponses(400, 401, 403, 503),
          },
        },
      },
      async (request, reply) => {
        const { format = 'ndjson', ...filters } = request.query;
        const encoding = acceptedEncoding(request);
        const opened = await exports.open(format, checkTimes(filters), encoding);
        const { raw } = reply;
        raw.once('close', opened.end);
        endWhereSlow(raw);
        if (raw.destroyed) opened.end();
        repeats.describe(request, reply, opened.version);
        reply.header('vary', 'accept-encoding').type(mediaTypes[format]);
        reply.header('content-disposition', `attachment; filename="claims.${format}"`);
        if (encoding) reply.header('content-encoding', encoding);
        return reply.send(opened.text);
      },
    );
  };
}

/** zstd before gzip, as it takes a third of the time; what the client gives no weight to is not taken (RFC 9110, 12.5.3). */
function acceptedEncoding({ headers }: FastifyRequest): Encoding | undefined {
  const accepted = new Set<string>();
  for (const part of String(headers['accept-encoding'] ?? '').split(',')) {
    const [name = '', ...parameters] = part.split(';').map((text) => text.trim().toLowerCase());
    if (!parameters.some((parameter) => /^q=0(\.0*)?$/.test(parameter))) accepted.add(name);
  }
  return (['zstd', 'gzip'] as const).find((encoding) => accepted.has(encoding));
}

/** Ends the connection of a client that hardly reads while there is something to read. */
function endWhereSlow(response: FastifyReply['raw']): void {
  const socket = response.socket;
  let before = socket?.bytesWritten ?? 0;
  const timer = setInterval(() => {
    const taken = (socket?.bytesWritten ?? 0) - (socket?.writableLength ?? 0);
    if (response.writableNeedDrain && taken - before < leastBytes) response.destroy();
    before = taken;
  }, slowSeconds * 1000).unref();
  response.once('close', () => clearInterval(timer));
}
