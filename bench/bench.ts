import { type Database, prepareQuestion, type Question } from './database.ts';
import type { Load, Loaded } from './load.ts';
import { pgbench } from './pgbench.ts';
import { median, type Report, type Row } from './report.ts';
import type { Server } from './server.ts';
import { forgetPeak, type Service as Process, startService } from './service.ts';

export interface Options {
  claims: number;
  /** Of each measurement. */
  seconds: number;
  rounds: number;
  importClaims: number;
  lookups: number;
  /** What takes more than the ten minutes: 5,000,000 claims, files of 2 GB. */
  big: boolean;
}

/** A service and the tokens that are good there. */
export type Service = Process & { tokens: string[] };

/** What every part works with. */
export interface Bench {
  options: Options;
  /** For files; psql and pgbench see it too. */
  directory: string;
  server: Server;
  database: Database;
  load: Load;
  report: Report;
  /** A line about what is under way. */
  say(line: string): void;
}

/** Measures one thing and reports it. */
export type Part = (bench: Bench) => Promise<void>;

/** Connections of a load: twice as many as the service has to the database. */
export const connections = 16;

export async function withService<T>(
  bench: Bench,
  work: (service: Service) => Promise<T>,
  database = bench.database,
): Promise<T> {
  const service = await startService(bench.directory, database.url);
  try {
    return await work({ ...service, tokens: database.tokens });
  } finally {
    await service.stop();
  }
}

/** What is asked of the service, and of PostgreSQL as its limit. */
export interface Contest {
  row: Pick<Row, 'part' | 'what' | 'atLeast'>;
  question: Question;
  statement: string;
  body: 'claim' | 'page' | 'few';
  /** In place of those of the options. */
  seconds?: number;
}

/** By round. */
interface Measured {
  ours: Loaded[];
  limits: number[];
}

/** The limit and ours in turn, of each of what is asked, in each round. */
export async function contest<Asked extends Contest[]>(
  bench: Bench,
  service: Service,
  ...asked: Asked
): Promise<{ [Each in keyof Asked]: Measured }> {
  const { options, server, database, directory } = bench;
  const { rounds } = options;
  const measured = asked.map((of): Contest & Measured => ({ ...of, ours: [], limits: [] }));
  await forgetPeak(service.pid);
  for (let round = 0; round < rounds; round += 1) {
    for (const { question, statement, body, seconds = options.seconds, ours, limits } of measured) {
      const { draw } = question;
      // Half as long, in whole seconds: pgbench compiles nothing meanwhile, nor is there a p99 to be told.
      const of = { directory, statement, seconds: Math.ceil(seconds / 2), ...(draw && { draw }) };
      limits.push(await pgbench(server, database.name, of));
      ours.push(await ask(bench, service, question, { body, seconds, isFirst: round === 0 }));
    }
  }
  const { peak } = await service.memory();
  for (const { row, question, ours, limits } of measured) {
    bench.report({
      ...rate(row, ours),
      limit: median(limits),
      limitIs: 'pgbench',
      ratios: ratios(ours, limits),
      peak,
      note: `${question.different.toLocaleString('en-US')} different question${question.different === 1 ? '' : 's'}`,
    });
  }
  return measured as { [Each in keyof Asked]: Measured };
}

export function ask(
  { load, options }: Bench,
  { port, tokens }: Service,
  { paths }: Pick<Question, 'paths'>,
  { body, seconds = options.seconds, isFirst = false }: { body?: Contest['body']; seconds?: number; isFirst?: boolean },
): Promise<Loaded> {
  // The first time V8 compiles what the question runs through.
  const warmUpSeconds = isFirst ? 1 : 0.5;
  return load.run({ port, paths, tokens, connections, seconds, warmUpSeconds, ...(body && { body }) });
}

/** Answers a second, with the medians of the rounds. */
export function rate<T extends Pick<Row, 'part' | 'what'>>(row: T, rounds: Loaded[]) {
  return {
    ...row,
    value: median(rounds.map(({ perSecond }) => perSecond)),
    unit: '/s',
    p50: median(rounds.map(({ p50 }) => p50)),
    p99: median(rounds.map(({ p99 }) => p99)),
    loadCpu: median(rounds.map(({ cpu }) => cpu)),
  };
}

export const ratios = (ours: Loaded[], limits: number[]) =>
  ours.map(({ perSecond }, round) => perSecond / (limits[round] as number));

/** All ids, drawn at random. */
export const anyClaim = (bench: Bench, database = bench.database) =>
  prepareQuestion(database, bench.directory, {
    name: 'ids',
    query: 'select id as a from claims',
    columns: ['a'],
    path: ({ a }) => `/api/claims/${a}`,
  });

/** All patients, drawn at random. */
export const anyPatient = (bench: Bench, database = bench.database) =>
  prepareQuestion(database, bench.directory, {
    name: 'patients',
    query: 'select distinct patient_id as a from claims',
    columns: ['a'],
    path: ({ a }) => `/api/claims?patient=${a}`,
  });
