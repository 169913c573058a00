/**
 * How fast the service is, each figure beside the limit that PostgreSQL or Node sets on the same machine in the same
 * minute: `npm run bench`, or `npm run bench -- list id` for parts of it. Needs a Docker engine, or DATABASE_URL_BENCH
 * or DATABASE_URL of a PostgreSQL in which databases may be made; and Linux, whose /proc tells the memory of processes.
 */

import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { parseArgs } from 'node:util';
import type { Bench, Part } from './bench.ts';
import { describeServer, dropDatabase, loadDatabase } from './database.ts';
import { startLoad } from './load.ts';
import { duringImport } from './parts/during-import.ts';
import { exporting } from './parts/export.ts';
import { importing } from './parts/import.ts';
import { list } from './parts/list.ts';
import { id, patient } from './parts/look-ups.ts';
import { memory } from './parts/memory.ts';
import { repeat } from './parts/repeat.ts';
import { scale } from './parts/scale.ts';
import { shed } from './parts/shed.ts';
import { soak } from './parts/soak.ts';
import { start } from './parts/start.ts';
import { summary } from './parts/summary.ts';
import { compare, line, type Results, type Row, results, table } from './report.ts';
import { type Server, startServer } from './server.ts';
import { stopServices } from './service.ts';

const parts: Record<string, Part> = {
  list,
  id,
  patient,
  repeat,
  summary,
  import: importing,
  export: exporting,
  start,
  memory,
  scale,
  'during-import': duringImport,
  shed,
  soak,
};

const usage = `Usage: npm run bench -- [PART]... [OPTION]...
Parts: ${Object.keys(parts).join(', ')}; without any, all of them.
  --json FILE      where the figures go as JSON (reports/bench.json)
  --against FILE   compares the ratios with those of an earlier run; status 1 where one fell by more than 15 %
  --big            also 5,000,000 claims and files of 2 GB, on a server that is set up as the README says for millions
  --keep           leaves the loaded database, and uses the one that was left: with DATABASE_URL_BENCH
  --claims N       how many are loaded (500000)
  --seconds N      of each measurement (2)
  --rounds N       of limit and ours in turn (3)
  --import-claims N  of each file that is imported (90000)
  --lookups N      in a row (1000000)
  --load NAME      what asks: sockets, or autocannon, which takes more of the machine (sockets)`;

const { values, positionals } = readArguments();
const asked = positionals.length > 0 ? positionals : Object.keys(parts);
const directory = await mkdtemp(join(tmpdir(), 'claims-api-bench-'));
const load = startLoad(values.load);
const rows: Row[] = [];
let server: Server | undefined;
let closing: Promise<void> | undefined;
const databaseName = 'claims_bench';

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => close().finally(() => process.exit(1)));
}
const started = performance.now();
try {
  await run();
} catch (error) {
  // What an interrupt stops is no error of its own.
  if (closing === undefined) console.error(`\n${(error as Error).message}`);
  if (rows.length > 0) console.error(`\nUntil then:\n${table(rows)}`);
  process.exitCode = 1;
} finally {
  await close();
}

async function run(): Promise<void> {
  server = await startServer(directory, { ofMillions: values.big });
  const settings = {
    ...(await describeServer(server)),
    claims: values.claims,
    rounds: values.rounds,
    seconds: values.seconds,
  };
  say(
    Object.entries(settings)
      .map(([name, value]) => `${name} ${value}`)
      .join(', '),
  );
  const database = await loadDatabase(server, {
    name: databaseName,
    claims: values.claims,
    directory,
    keep: values.keep,
  });
  if (database.seconds !== undefined)
    say(
      `${values.claims.toLocaleString('en-US')} claims loaded in ${database.seconds.toFixed(1)} s; vacuumed, analysed, checkpointed`,
    );
  const report = (row: Row) => {
    rows.push(row);
    say(line(row));
  };
  const bench: Bench = {
    options: { ...values, importClaims: values['import-claims'] },
    directory,
    server,
    database,
    load,
    report,
    say,
  };
  for (const name of asked) {
    await (parts[name] as Part)(bench);
  }

  const found = results(rows, settings);
  await mkdir(dirname(values.json), { recursive: true });
  await writeFile(values.json, `${JSON.stringify(found, null, 2)}\n`);
  console.log(`\n${table(rows)}\n\n${elapsed()} in all; the figures are in ${values.json}`);
  if (values.against !== undefined) {
    const { text, worse } = compare(found, JSON.parse(await readFile(values.against, 'utf8')) as Results);
    console.log(text);
    if (worse) {
      console.log('A ratio fell by more than 15 %.');
      process.exitCode = 1;
    }
  }
}

/** Leaves nothing behind, whatever went wrong; once, though an interrupt and the error that it brings both ask for it. */
function close(): Promise<void> {
  closing ??= stopAll();
  return closing;
}

async function stopAll(): Promise<void> {
  load.stop();
  await stopServices();
  if (server !== undefined) {
    if (!values.keep) await dropDatabase(server, databaseName).catch(() => {});
    await server.stop().catch(() => {});
  }
  await rm(directory, { recursive: true, force: true });
}

function say(line: string): void {
  console.log(`${elapsed()}  ${line}`);
}

function elapsed(): string {
  const seconds = Math.round((performance.now() - started) / 1000);
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')}`;
}

function readArguments() {
  try {
    const { values, positionals } = parseArgs({
      allowPositionals: true,
      options: {
        json: { type: 'string', default: 'reports/bench.json' },
        against: { type: 'string' },
        big: { type: 'boolean', default: false },
        keep: { type: 'boolean', default: false },
        claims: { type: 'string', default: '500000' },
        seconds: { type: 'string', default: '2' },
        rounds: { type: 'string', default: '3' },
        'import-claims': { type: 'string', default: '90000' },
        lookups: { type: 'string', default: '1000000' },
        load: { type: 'string', default: 'sockets' },
        help: { type: 'boolean', short: 'h', default: false },
      },
    });
    const unknown = positionals.find((name) => !(name in parts));
    if (unknown !== undefined) throw new Error(`There is no part ${unknown}.`);
    if (values.help) {
      console.log(usage);
      process.exit(0);
    }
    const whole = (name: 'claims' | 'seconds' | 'rounds' | 'import-claims' | 'lookups') => {
      const number = Number(values[name]);
      if (!Number.isInteger(number) || number < 1) throw new Error(`Expected --${name} with a whole number from 1 on.`);
      return number;
    };
    const { load } = values;
    if (load !== 'sockets' && load !== 'autocannon') throw new Error(`Expected --load sockets or --load autocannon.`);
    return {
      positionals,
      values: {
        ...values,
        load: load as 'sockets' | 'autocannon',
        claims: whole('claims'),
        seconds: whole('seconds'),
        rounds: whole('rounds'),
        'import-claims': whole('import-claims'),
        lookups: whole('lookups'),
      },
    };
  } catch (error) {
    console.error(`${(error as Error).message}\n\n${usage}`);
    process.exit(1);
  }
}
