import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { anyClaim, ask, type Bench, type Part, rate, ratios, type Service, withService } from '../bench.ts';
import { type Database, dropDatabase, loadDatabase, onDatabase, prepareQuestion, type Question } from '../database.ts';
import type { Loaded } from '../load.ts';
import { median } from '../report.ts';

const fewer = 10;
const bigClaims = 5_000_000;
/** Times as many rounds, as time is no matter there. */
const bigRounds = 3;
/**
 * A connection maps a page of PostgreSQL's memory when it first touches it: of 6 GB, 1.3 page faults a look-up in the
 * first seconds, half as many after twenty, and PostgreSQL took 31 µs, then 22 µs for it.
 */
const bigWarmUpSeconds = 30;
/** What ten times the claims may cost. */
const slower = 1.2;

/** One claim, as a patient has ten times as many where there are ten times as many: there are always 50,000 patients. */
const anyNewest = (bench: Bench, database: Database) =>
  prepareQuestion(database, bench.directory, {
    name: 'newest',
    query: 'select distinct patient_id as a from claims',
    columns: ['a'],
    path: ({ a }) => `/api/claims?patient=${a}&limit=1`,
  });

const questions: [string, 'claim' | 'page' | 'few', (bench: Bench, of: Database) => Promise<Question>][] = [
  ['list', 'page', firstPage],
  ['by id', 'claim', anyClaim],
  ["a patient's newest", 'few', anyNewest],
];

/** The same questions to a tenth of the claims, and with --big to 5,000,000: the number of claims must not matter. */
export const scale: Part = async (bench) => {
  const { server, directory, database, options } = bench;
  const small = Math.max(1, Math.round(database.claims / fewer));
  const load = (name: string, claims: number, keep = false) => loadDatabase(server, { name, claims, directory, keep });
  const sizes = [await load('claims_bench_small', small), database];
  if (options.big) sizes.push(await load('claims_bench_big', bigClaims));
  const [least, ...others] = sizes as [Database, ...Database[]];
  try {
    for (const size of sizes) await warm(size);
    const seconds = options.seconds / 2;
    const rounds = options.rounds * (options.big ? bigRounds : 1);
    await onServices(bench, sizes, async (services) => {
      if (options.big) {
        for (const [index, service] of services.entries()) {
          const question = await anyClaim(bench, sizes[index]);
          await ask(bench, service, question, { body: 'claim', seconds: bigWarmUpSeconds });
        }
      }
      for (const [what, body, question] of questions) {
        const ours = sizes.map(() => [] as Loaded[]);
        const asked = await Promise.all(sizes.map((size) => question(bench, size)));
        for (let round = 0; round < rounds; round += 1) {
          for (const [index, service] of services.entries()) {
            ours[index]?.push(
              await ask(bench, service, asked[index] as Question, { body, seconds, isFirst: round === 0 }),
            );
          }
        }
        const [ofLeast, ...ofOthers] = ours as [Loaded[], ...Loaded[][]];
        for (const [index, of] of ofOthers.entries()) {
          const claims = (others[index] as Database).claims.toLocaleString('en-US');
          bench.report({
            ...rate({ part: 'scale', what: `${what}, of ${claims} claims` }, of),
            limit: median(ofLeast.map(({ perSecond }) => perSecond)),
            limitIs: `of ${least.claims.toLocaleString('en-US')}`,
            ratios: ratios(
              of,
              ofLeast.map(({ perSecond }) => perSecond),
            ),
            atLeast: 1 / slower,
          });
        }
      }
    });
  } finally {
    for (const { name } of sizes) if (name !== database.name) await dropDatabase(server, name);
  }
  for (const { claims, seconds } of others) {
    if (seconds === undefined || least.seconds === undefined) continue;
    bench.report({
      part: 'scale',
      what: `import of ${claims.toLocaleString('en-US')} claims`,
      value: claims / seconds,
      unit: 'claims/s',
      limit: least.claims / least.seconds,
      limitIs: `of ${least.claims.toLocaleString('en-US')}`,
      ratios: [claims / seconds / (least.claims / least.seconds)],
      atLeast: 1 / slower,
    });
  }
};

/**
 * Reads the claims and their indexes once: what the next ones were loaded beside is not in memory any more, and then the
 * disk is measured. Of a table that is read from end to end PostgreSQL keeps nothing, as it does of claims that are asked
 * for by id: where its own memory is large, the look-ups of the first minute would fill it while they are measured.
 */
function warm({ url }: Database): Promise<void> {
  return onDatabase(url, async (sql) => {
    await sql`select sum(length(document)) from claims`;
    await sql`set enable_seqscan = off`;
    await sql`set enable_sort = off`;
    await sql`select sum(length(document)) from (select document from claims order by id) of_all`;
    await sql`select count(patient_id) from (select patient_id from claims order by patient_id) of_all`;
  });
}

async function firstPage({ directory }: Bench): Promise<Question> {
  const paths = join(directory, 'scale.paths');
  await writeFile(paths, '/api/claims\n');
  return { paths, different: 1 };
}

/** A service on each database, all at once; one is asked at a time. */
async function onServices(
  bench: Bench,
  [database, ...others]: Database[],
  work: (services: Service[]) => Promise<void>,
  services: Service[] = [],
): Promise<void> {
  if (database === undefined) return work(services);
  await withService(bench, (service) => onServices(bench, others, work, [...services, service]), database);
}
