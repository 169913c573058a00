import { execFileSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';

/** What a program prints that logs like this, with errors of each kind at hand: a text for each of the statements. */
function logged(format: 'json' | 'pretty', statements: string[], level = 'info'): string[] {
  const log = new URL('../src/log.ts', import.meta.url).href;
  const program = `
    import postgres from 'postgres';
    import { createLogger } from ${JSON.stringify(log)};
    const log = createLogger({ logLevel: '${level}', logFormat: '${format}' });
    // As PostgreSQL sends it for a COPY that fails, and more.
    const postgresError = Object.assign(new postgres.PostgresError({
      severity: 'ERROR',
      code: '22P02',
      message: 'invalid input syntax for type numeric: "SECRET-message"',
      detail: 'Key (patient_id)=(SECRET-detail) already exists.',
      hint: 'SECRET-hint',
      where: 'COPY staged_claims, line 1, column charge: "SECRET-where"',
      internal_query: 'select SECRET-internal-query',
      table_name: 'staged_claims',
      column_name: 'charge',
      constraint_name: 'claims_pkey',
      routine: 'set_var_from_str',
    }), { parameters: ['SECRET-parameter'], args: ['SECRET-args'], query: 'select SECRET-query' });
    const wrapped = new Error('the query failed', { cause: new Error('deeper', { cause: postgresError }) });
    ${statements.join("\n log.info('=====');\n")}
    log.flush();
  `;
  // From the test's own directory, so that the program finds the packages.
  const cwd = new URL('.', import.meta.url);
  const text = execFileSync(process.execPath, ['--input-type=module', '--eval', program], { cwd, encoding: 'utf8' });
  const parts = text.split(/^.*=====.*\n/m);
  expect(parts).toHaveLength(statements.length);
  return parts;
}

describe.each(['json', 'pretty'] as const)('a %s log', (format) => {
  const tellings = [
    ['the error', `log.error({ err: postgresError }, 'failed');`],
    ['the cause of another', `log.error({ err: wrapped }, 'failed');`],
    ['by a child', `log.child({ reqId: 'r1' }).error({ err: postgresError }, 'failed');`],
    ['the error without a message', `log.error(postgresError);`],
    ['the error as a field without a message', `log.error({ err: postgresError });`],
  ] as const;
  const told = logged(
    format,
    tellings.map(([, statement]) => statement),
  );

  it.each(tellings.map(([what], index) => [what, told[index] as string]))(
    'holds nothing that an error of PostgreSQL quotes, told %s',
    (_what, text) => {
      expect(text).toContain('22P02');
      expect(text).toContain('staged_claims');
      expect(text.match(/SECRET-[\w-]+/g)).toBeNull();
    },
  );

  it('holds the message and the place of other errors', () => {
    for (const part of ['failed', 'the query failed', 'deeper', '[eval1]:']) expect(told[1]).toContain(part);
  });

  it('leaves out what is less severe than its level', () => {
    const [text] = logged(format, [`log.info('not this'); log.warn('this'); log.error('that');`], 'warn');
    expect(text).toMatch(/this[\s\S]+that/);
    expect(text).not.toContain('not this');
  });

  it('is empty where it is silent', () => {
    expect(logged(format, [`log.fatal('not this');`], 'silent')).toEqual(['']);
  });
});

describe('a line of the JSON log', () => {
  const [fields = '', failure = '', lineBreaks = ''] = logged('json', [
    `log.info({ files: 3 }, 'loaded');`,
    `log.error({ err: postgresError }, 'failed');`,
    `log.info({ file: 'a\\n{"level":"fatal"}' }, 'b\\n{"level":"fatal"}');`,
  ]);

  it('has a level by name, a time, its fields and the message, and nothing of the host', () => {
    expect(JSON.parse(fields)).toEqual({
      level: 'info',
      time: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
      files: 3,
      msg: 'loaded',
    });
  });

  it('says of an error of PostgreSQL what names no value', () => {
    expect(JSON.parse(failure)).toMatchObject({
      msg: 'failed',
      err: {
        type: 'PostgresError',
        code: '22P02',
        routine: 'set_var_from_str',
        table_name: 'staged_claims',
        column_name: 'charge',
        constraint_name: 'claims_pkey',
      },
    });
  });

  it('cannot be forged by a line break in what is logged', () => {
    expect(JSON.parse(lineBreaks)).toMatchObject({ level: 'info', file: 'a\n{"level":"fatal"}' });
  });
});

it('a line of the pretty log is the time of the day, the level and the message', () => {
  expect(logged('pretty', [`log.info('loaded');`])).toEqual([
    expect.stringMatching(/^\[\d\d:\d\d:\d\d\] INFO: loaded\n$/),
  ]);
});
