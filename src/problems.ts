import { maxHeaderSize, STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify';
import fp from 'fastify-plugin';
import Type from 'typebox';
import { DatabaseUnavailable } from './db/client.ts';

/** A problem's kind: the last part of its `type` URI, stable for programs to act upon. */
const kinds = {
  'invalid-request': [400, 'The request is not valid'],
  unauthenticated: [401, 'A valid token is needed'],
  forbidden: [403, 'The token does not allow this'],
  'not-found': [404, 'There is nothing here'],
  'method-not-allowed': [405, 'The method is not supported here'],
  'request-timeout': [408, 'The request took too long'],
  'too-large': [413, 'The request body is too large'],
  'unsupported-media-type': [415, 'The request body is of an unsupported type'],
  'too-many-failures': [429, 'Too many failed attempts'],
  'header-too-large': [431, 'The header of the request is too large'],
  internal: [500, 'The service failed'],
  unavailable: [503, 'The service cannot answer right now'],
} as const;

export type ProblemKind = keyof typeof kinds;

export interface FieldError {
  field: string;
  message: string;
}

/** An error that is answered as `application/problem+json` (RFC 9457). Its text reaches the client: no personal data. */
export class Problem extends Error {
  readonly kind: ProblemKind;
  readonly errors: FieldError[] | undefined;
  /** Sent as `Retry-After`. */
  readonly retryAfterSeconds: number | undefined;

  constructor(kind: ProblemKind, detail: string, options: { errors?: FieldError[]; retryAfterSeconds?: number } = {}) {
    super(detail);
    this.kind = kind;
    this.errors = options.errors;
    this.retryAfterSeconds = options.retryAfterSeconds;
  }
}

/** A 400 that names the one field that is wrong. */
export function invalidField(field: string, message: string): Problem {
  return new Problem('invalid-request', `${field}: ${message}`, { errors: [{ field, message }] });
}

export const ProblemSchema = Type.Object(
  {
    type: Type.String({ description: 'Identifies the kind of problem; stable.' }),
    title: Type.String(),
    status: Type.Integer(),
    detail: Type.String({ description: 'What was expected, what was found, what to do next.' }),
    errors: Type.Optional(Type.Array(Type.Object({ field: Type.String(), message: Type.String() }))),
  },
  {
    $id: 'Problem',
    description: 'Problem details (RFC 9457)',
    examples: [
      {
        type: 'urn:claims-api:problem:invalid-request',
        title: 'The request is not valid',
        status: 400,
        detail: 'limit: must be <= 1000',
        errors: [{ field: 'limit', message: 'must be <= 1000' }],
      },
    ],
  },
);

/** The `response` entries of a route that can answer with these statuses besides its own. */
export function problemResponses<S extends number>(...statuses: S[]) {
  return Object.fromEntries(
    statuses.map((status) => [
      status,
      {
        description: Object.values(kinds).find(([code]) => code === status)?.[1] ?? 'A problem',
        content: { 'application/problem+json': { schema: Type.Ref('Problem') } },
      },
    ]),
  ) as Record<S, object>;
}

function render({ kind, message, errors }: Problem): Buffer {
  const [status, title] = kinds[kind];
  const type = `urn:claims-api:problem:${kind}`;
  return Buffer.from(JSON.stringify({ type, title, status, detail: message, ...(errors && { errors }) }));
}

/** For what is answered without Fastify. */
export const problemBody = (kind: ProblemKind, detail: string) => render(new Problem(kind, detail));

function send(reply: FastifyReply, problem: Problem) {
  const [status] = kinds[problem.kind];
  if (problem.retryAfterSeconds !== undefined) reply.header('retry-after', problem.retryAfterSeconds);
  if (status === 401) reply.header('www-authenticate', 'Bearer');
  return reply.code(status).header('content-type', 'application/problem+json').send(render(problem));
}

/** Of the formats of JSON Schema, in words. */
const forms: Record<string, string> = {
  date: 'a day of the calendar as yyyy-mm-dd',
  'date-time': 'a time with its offset, as yyyy-mm-ddThh:mm:ssZ',
};

function validationProblem(error: FastifyError): Problem {
  const errors = (error.validation ?? []).map((failure) => {
    const path = failure.instancePath.slice(1).replaceAll('/', '.');
    const name = (failure.params.additionalProperty ?? failure.params.missingProperty) as string | undefined;
    const field = [path, name].filter(Boolean).join('.') || (error.validationContext ?? 'request');
    if (failure.keyword === 'additionalProperties') return { field, message: 'is not known here' };
    if (failure.keyword === 'enum') {
      return { field, message: `must be one of ${(failure.params.allowedValues as string[]).join(', ')}` };
    }
    const form = failure.keyword === 'format' ? forms[failure.params.format as string] : undefined;
    return { field, message: form ? `expected ${form}` : (failure.message ?? 'is not valid') };
  });
  return new Problem('invalid-request', errors.map(({ field, message }) => `${field}: ${message}`).join('; '), {
    errors,
  });
}

/** The problem that a Fastify or database error is answered with; undefined where it is a fault of the service. */
function asProblem(error: FastifyError): Problem | undefined {
  if (error instanceof Problem) return error;
  if (error.validation) return validationProblem(error);
  if (error instanceof DatabaseUnavailable) {
    return new Problem('unavailable', `${error.message}; try again shortly`, { retryAfterSeconds: 2 });
  }
  switch (error.code) {
    case 'FST_ERR_CTP_BODY_TOO_LARGE':
      return new Problem('too-large', 'the body is larger than this route takes');
    case 'FST_ERR_CTP_INVALID_MEDIA_TYPE':
      return new Problem('unsupported-media-type', 'expected content-type application/json');
    case 'FST_ERR_CTP_EMPTY_JSON_BODY':
    case 'FST_ERR_CTP_INVALID_JSON_BODY':
    case 'FST_ERR_CTP_INVALID_CONTENT_LENGTH':
      return new Problem('invalid-request', 'the body is not valid JSON');
    default:
      return error.statusCode !== undefined && error.statusCode >= 400 && error.statusCode < 500
        ? new Problem('invalid-request', 'the request could not be understood')
        : undefined;
  }
}

/** For Fastify's option of this name: what is wrong with an address before there is a route for it. */
export function frameworkErrors(_error: FastifyError, _request: FastifyRequest, reply: FastifyReply) {
  return send(reply, new Problem('invalid-request', 'the address is too long, or not encoded as addresses are'));
}

/** By the code of Node's error. */
const unreadable: Record<string, [ProblemKind, string]> = {
  ERR_HTTP_REQUEST_TIMEOUT: ['request-timeout', 'the header of the request did not come in time; send it whole'],
  HPE_HEADER_OVERFLOW: ['header-too-large', `expected ${maxHeaderSize} bytes of address and header fields at most`],
};

/**
 * For Fastify's option clientErrorHandler: answers what Node cannot read as a request, and ends its connection. There is
 * no request to log it by, and the error holds the bytes that came, with whatever token is in them.
 */
export function clientErrorHandler({ code = '' }: NodeJS.ErrnoException, socket: Socket): void {
  if (socket.writable && code !== 'ECONNRESET') {
    const [kind, detail] = unreadable[code] ?? ['invalid-request', 'expected a request of HTTP/1.1, found none'];
    const [status] = kinds[kind];
    const body = problemBody(kind, detail);
    socket.write(
      `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\nConnection: close\r\n` +
        `Content-Type: application/problem+json\r\nContent-Length: ${body.length}\r\n\r\n`,
    );
    socket.write(body);
  }
  socket.destroySoon();
}

/** Answers every error and every unknown address with problem details; what is not the client's fault is logged. */
export const problems = fp(async (app) => {
  app.addSchema(ProblemSchema);
  app.setErrorHandler((error: FastifyError, request: FastifyRequest, reply) => {
    const problem = asProblem(error);
    if (problem === undefined) request.log.error({ err: error }, 'request failed');
    else if (problem.kind === 'unavailable') request.log.warn({ err: error }, 'request refused');
    return send(reply, problem ?? new Problem('internal', 'the failure was logged; the request id finds it there'));
  });
  app.setNotFoundHandler((_request, reply) =>
    send(reply, new Problem('not-found', 'no such address; /docs lists all of them')),
  );
});
