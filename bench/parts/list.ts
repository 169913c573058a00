import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  type Bench,
  type Contest,
  contest,
  type Part,
  ratios as ratiosOf,
  type Service,
  withService,
} from '../bench.ts';
import { onDatabase, prepareQuestion, type Question } from '../database.ts';
import { median } from '../report.ts';
import { statements } from '../statements.ts';

const atLeast = 0.35;
const pageSize = 25;
const deepPage = 4000;
/** Pages in a row that are drawn from: four times as many as the service keeps the answers of. */
const mostInRow = 1000;

/** The list, newest first: plain, deep, and by filters, whose values are drawn as claims have them. */
export const list: Part = (bench) =>
  withService(bench, async (service) => {
    const of = (what: string, question: Question, statement: string): Contest => ({
      row: { part: 'list', what, atLeast },
      question,
      statement,
      body: 'page',
    });
    await contest(bench, service, of('list, page 1', await onePath(bench, 'page-1', '/api/claims'), statements.list));
    const all = Math.floor(bench.database.claims / pageSize);
    const inRow = Math.min(mostInRow, Math.floor(all / 4));
    const pages = async (from: number) =>
      of(
        `list, pages ${from.toLocaleString('en-US')} to ${(from + inRow - 1).toLocaleString('en-US')}`,
        await pagesFrom(bench, service, from, inRow),
        statements.pageFrom,
      );
    const deep = Math.min(deepPage, Math.floor(all * 0.8)) - Math.floor(inRow / 2);
    // As many as of the deep ones: the answer to page 1 is one that is kept, and has no cursor.
    const [ofFirst, ofDeep] = await contest(bench, service, await pages(2), await pages(deep));
    bench.report({
      part: 'list',
      what: 'list, the deep pages beside the first',
      value: undefined,
      unit: '',
      ratios: ratiosOf(
        ofDeep.ours,
        ofFirst.ours.map(({ perSecond }) => perSecond),
      ),
      atLeast: 0.9,
    });

    // There are many of them.
    const seconds = bench.options.seconds / 2;
    const worst: { what: string; ratios: number[] }[] = [];
    for (const [filter, statement, query, columns, path, body = 'page'] of filters) {
      const name = `by_${filter.replaceAll(/\W/g, '_')}`.toLowerCase();
      const question = await prepareQuestion(bench.database, bench.directory, { name, query, columns, path });
      const asked = { ...of(`list by ${filter}`, question, statement), body, seconds };
      const [{ ours, limits }] = await contest(bench, service, asked);
      worst.push({ what: filter, ratios: ratiosOf(ours, limits) });
    }
    const [least] = worst.toSorted((a, b) => median(a.ratios) - median(b.ratios));
    if (least) {
      bench.report({
        part: 'list',
        what: 'list, the worst of the filters',
        value: undefined,
        unit: '',
        ratios: least.ratios,
        atLeast,
        note: least.what,
      });
    }
  });

type Filter = [string, string, string, ('a' | 'b')[], (row: { a: string; b: string }) => string, ('page' | 'few')?];

/** Claims whose values are asked for. */
const some = 'claims tablesample bernoulli (2)';

const filters: Filter[] = [
  ['type', statements.byType, `select type as a from ${some}`, ['a'], ({ a }) => `/api/claims?type=${a}`],
  ['status', statements.byStatus, `select status as a from ${some}`, ['a'], ({ a }) => `/api/claims?status=${a}`],
  [
    'provider',
    statements.byProvider,
    `select provider_id as a from ${some}`,
    ['a'],
    ({ a }) => `/api/claims?provider=${a}`,
    'few',
  ],
  [
    'diagnosis',
    statements.byDiagnosis,
    `select diagnoses[1] as a from ${some}`,
    ['a'],
    ({ a }) => `/api/claims?diagnosis=${a}`,
  ],
  [
    'diagnosis and serviceTo',
    statements.byDiagnosisAndDay,
    `select diagnoses[1] as a, service_date as b from ${some}`,
    ['a', 'b'],
    ({ a, b }) => `/api/claims?diagnosis=${a}&serviceTo=${b}`,
    'few',
  ],
  [
    'serviceFrom and serviceTo',
    statements.byDays,
    `select service_date - 30 as a, service_date as b from ${some}`,
    ['a', 'b'],
    ({ a, b }) => `/api/claims?serviceFrom=${a}&serviceTo=${b}`,
  ],
];

async function onePath({ directory }: Bench, name: string, path: string): Promise<Question> {
  const paths = join(directory, `${name}.paths`);
  await writeFile(paths, `${path}\n`);
  return { paths, different: 1 };
}

/** The cursors of so many pages from that one on, which only following them yields, and the places that they stand for. */
async function pagesFrom(bench: Bench, service: Service, page: number, inRow: number): Promise<Question> {
  const cursors = new Map<string, string>();
  const ask = async (limit: number, cursor?: string) => {
    const query = new URLSearchParams({ limit: String(limit), ...(cursor && { cursor }) });
    const answer = await fetch(`http://127.0.0.1:${service.port}/api/claims?${query}`, {
      headers: { authorization: `Bearer ${service.tokens[0]}` },
    });
    if (!answer.ok) throw new Error(`page ${page} was answered ${answer.status}: ${await answer.text()}`);
    return (await answer.json()) as { claims: { id: string }[]; next: string };
  };
  let next: string | undefined;
  // A cursor goes with any size of page.
  for (let left = (page - 2) * pageSize; left > 0; ) {
    const limit = Math.min(left, 1000);
    ({ next } = await ask(limit, next));
    left -= limit;
  }
  for (let turn = 0; turn < inRow; turn += 1) {
    const { claims, next: cursor } = await ask(pageSize, next);
    cursors.set(claims.at(-1)?.id as string, cursor);
    next = cursor;
  }
  const ids = [...cursors.keys()];
  const last = await onDatabase(
    bench.database.url,
    (sql) => sql<{ id: string; arrival: string }[]>`select id, arrival from claims where id = any(${ids}::uuid[])`,
  );
  const cursorOf = new Map(last.map(({ id, arrival }) => [arrival, cursors.get(id)]));
  return prepareQuestion(bench.database, bench.directory, {
    name: `pages_${page}`,
    query: `select service_date as a, arrival as b from claims where id in (${ids.map((id) => `'${id}'`)})`,
    columns: ['a', 'b'],
    path: ({ b }) => `/api/claims?cursor=${cursorOf.get(b)}`,
  });
}
