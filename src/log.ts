import { isMainThread } from 'node:worker_threads';
import { pino } from 'pino';
import pretty from 'pino-pretty';
import type { Config } from './config.ts';

export type Logger = pino.Logger;

/**
 * Log lines hold no personal data: no query string, no header, no body, no value that a database error quotes. So
 * requests are logged by route pattern (ops/requests.ts), and of an error of PostgreSQL only what names no value.
 */
function errorFields(error: Error & { code?: string }): Record<string, unknown> {
  if (error.name === 'PostgresError') {
    const { code, routine, table_name, column_name, constraint_name, where } = error as unknown as Record<
      string,
      string
    >;
    return {
      type: error.name,
      code,
      routine,
      table_name,
      column_name,
      constraint_name,
      function: where?.split(/[:\n]/, 1)[0],
    };
  }
  return {
    type: error.name,
    code: error.code,
    message: error.message,
    stack: error.stack,
    ...(error.cause instanceof Error && { cause: errorFields(error.cause) }),
  };
}

/**
 * Lines are written together, a tenth of a second late at most: a write for each took a tenth of a busy process. Not in a
 * thread, which may be ended at any moment.
 */
const together = isMainThread ? { minLength: 12 << 10, periodicFlush: 100 } : {};

/**
 * Bytes, of which sonic-boom 4.2 knows the number: of text it measures all that waits with each line, which flattened 6 kB
 * a request.
 */
function destination() {
  const stream = pino.destination({ dest: 1, sync: false, contentMode: 'buffer', ...together });
  const write = stream.write.bind(stream) as unknown as (line: Buffer) => boolean;
  return Object.assign(stream, { write: (line: string) => write(Buffer.from(line)) });
}

let last = { ms: 0, text: '' };

/** ISO 8601, made once for the lines of a millisecond. */
function timestamp(): string {
  const ms = Date.now();
  if (ms !== last.ms) last = { ms, text: `,"time":"${new Date(ms).toISOString()}"` };
  return last.text;
}

/** Writes to standard output. `pretty` is for people; its lines carry the message alone. */
export function createLogger(config: Pick<Config, 'logLevel' | 'logFormat'>): Logger {
  const options: pino.LoggerOptions = {
    level: config.logLevel,
    base: null,
    timestamp,
    formatters: { level: (level) => ({ level }) },
    serializers: { err: errorFields },
    // Without a message of its own, a line would carry the error's, with what PostgreSQL quotes in it.
    hooks: {
      logMethod(args, method) {
        const [first, message] = args;
        const isBare = first instanceof Error || (first as { err?: unknown } | null)?.err instanceof Error;
        if (isBare && message === undefined) method.call(this, first, 'error');
        else method.apply(this, args);
      },
    },
  };
  if (config.logFormat === 'json') return pino(options, destination());
  return pino(
    options,
    pretty({
      colorize: process.stdout.isTTY,
      translateTime: 'HH:MM:ss',
      ignore: 'reqId',
      singleLine: true,
      sync: true,
    }),
  );
}
