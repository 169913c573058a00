import type { Readable } from 'node:stream';
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import Type from 'typebox';
import { Problem, problemResponses } from '../problems.ts';
import { formatBytes } from '../quantity.ts';
import { formats } from './formats/index.ts';
import { unprintable } from './report.ts';
import { TooLarge } from './spool.ts';
import { EmptyUpload, UploadBusy, type Uploads } from './uploads.ts';

/** A client that sends nothing for so long has gone. */
const pauseSeconds = 30;
const longestName = 200;

const name = (description: string, example: string) =>
  Type.Optional(Type.String({ minLength: 1, maxLength: longestName, description, examples: [example] }));

export function uploadRoute({
  uploads,
  uploadLimitBytes,
}: {
  uploads: Uploads;
  uploadLimitBytes: number;
}): FastifyPluginAsyncTypebox {
  return async (app) => {
    // Formats are told by content, so a body may be called anything, also what is no media type.
    app.addHook('onRequest', async ({ headers }) => {
      if (headers['content-type']?.startsWith('multipart/')) throw inParts;
      headers['content-type'] = 'application/octet-stream';
    });
    app.addContentTypeParser('application/octet-stream', (_request, payload, done) => done(null, payload));

    app.post(
      '/api/imports',
      {
        config: { scope: 'imports:write', longBody: true },
        schema: {
          operationId: 'createImport',
          tags: ['imports'],
          summary: 'Upload a claim file',
          description:
            `The body is the file, as it is or compressed by gzip or Zstandard, of at most ${uploadLimitBytes} bytes. ` +
            'It is loaded when those before it are: the import at Location tells how far it is. The same content again ' +
            'is answered with the import that took it.',
          consumes: ['application/octet-stream'],
          querystring: Type.Object(
            {
              name: name(
                'What to call it; also shown in logs, so without personal data. Control characters are left out.',
                'claims-2026-05.csv',
              ),
              format: Type.Optional(
                Type.Enum(
                  formats.map((format) => format.name),
                  { description: 'In place of the format that the content tells' },
                ),
              ),
              source: name(
                'What to call the system that numbered the claims, where the format does not say',
                'warehouse',
              ),
            },
            { additionalProperties: false },
          ),
          body: Type.Unsafe<Readable | undefined>({ description: 'The file' }),
          response: {
            200: Type.Ref('Import', { description: 'The import that took the same content before' }),
            202: Type.Ref('Import', { description: 'The import that takes it: queued, or running' }),
            ...problemResponses(400, 401, 403, 413, 415, 503),
          },
        },
      },
      async (request, reply) => {
        if (request.body === undefined) throw empty;
        if (Number(request.headers['content-length']) > uploadLimitBytes) throw tooLarge(uploadLimitBytes);
        const { format } = request.query;
        const options = { name: printable(request.query.name), format, source: printable(request.query.source) };
        const limits = { limitBytes: uploadLimitBytes, pauseSeconds };
        const row = await uploads.take(request.body, limits, options).catch((error: unknown) => {
          throw request.raw.destroyed && !request.raw.complete
            ? leftEarly
            : (asProblem(error, uploadLimitBytes) ?? error);
        });
        return reply
          .code(row.status === 'completed' ? 200 : 202)
          .header('location', `/api/imports/${row.id}`)
          .send(row);
      },
    );
  };
}

/** Without what could forge a line of a log, or cannot be shown. */
function printable(text: string | undefined): string | undefined {
  return text?.replace(unprintable, '').trim() || undefined;
}

const leftEarly = new Problem('invalid-request', 'the upload ended before its end');

const inParts = new Problem(
  'unsupported-media-type',
  'expected the file itself as the body (curl --data-binary @FILE), found a form with it inside (curl -F)',
);

const empty = new Problem('invalid-request', 'expected a file as the body, found none');

const tooLarge = (limitBytes: number) =>
  new Problem(
    'too-large',
    `expected at most ${formatBytes(limitBytes)}: compress the file, split it, or put it into the data directory`,
  );

function asProblem(error: unknown, limitBytes: number): Problem | undefined {
  if (error instanceof EmptyUpload) return empty;
  if (error instanceof TooLarge) return tooLarge(limitBytes);
  if (error instanceof UploadBusy) {
    return new Problem('unavailable', 'the same content is being looked at; try again shortly', {
      retryAfterSeconds: 1,
    });
  }
  const { code = '' } = error as NodeJS.ErrnoException;
  if (['ENOSPC', 'EDQUOT', 'EROFS', 'EACCES', 'ENOENT', 'ENOTDIR'].includes(code)) {
    const detail = `there is no place to keep uploads (${code}): CLAIMS_API_UPLOADS says where`;
    return new Problem('unavailable', detail, { retryAfterSeconds: 60 });
  }
  return undefined;
}
