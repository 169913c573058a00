import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import type { Connection } from '../../src/db/client.ts';
import { generated, lines } from '../../src/generate/command.ts';
import { Random } from '../../src/generate/random.ts';
import { loadFiles } from '../../src/ingest/scan.ts';
import { silentLog } from '../support/app.ts';
import { testDatabase } from '../support/database.ts';
import { temporaryDirectory } from '../support/files.ts';
import { runProgram } from '../support/program.ts';
import { expectTotalsExact } from '../support/totals.ts';

const directory = await temporaryDirectory();
const claims = 16_000;
const kills = 2;

/** Some batches of claims, every thousandth of which cannot be taken. */
async function write(name: string, format: '837p' | '835' | 'ndjson'): Promise<void> {
  let count = 0;
  const text = [...lines(generated(3, claims), format)].join('');
  const broken = text.replace(/D8\*20\d\d(?=\d{4}~\nREF\*6R\*1~)|"billablePeriod":\{"start":"20\d\d/g, (found) => {
    count += 1;
    return count % 1000 === 0 ? found.replace(/20\d\d$/, '2O24') : found;
  });
  await writeFile(name, broken);
}

const stored = async (sql: Connection) => ({
  claims: await sql`select id, version, status, charge, paid, document, source, hash, message from claims order by id`,
  history: await sql`select id, version, document, message, ended_message from claim_history order by id, version`,
  imports: await sql`
    select file, status, read, added, changed, unchanged, rejected, warned from imports order by file`,
  rejects: await sql`
    select file, position, claim, field, import_rejects.reason from import_rejects join imports on imports.id = import_id
    order by file, number`,
});

describe('a load that is killed again and again', () => {
  it.each([
    ['ndjson', ['ndjson']],
    ['837p with its 835', ['837p', '835']],
  ] as const)('of %s comes to what it comes to undisturbed', { timeout: 120_000 }, async (name, formats) => {
    const data = join(directory, name);
    await mkdir(data);
    for (const format of formats) await write(join(data, `claims.${format}`), format);
    const undisturbed = await testDatabase();
    await loadFiles(undisturbed.url, data, silentLog());
    const expected = await stored(undisturbed.sql);
    expect(expected.rejects).toHaveLength(claims / 1000);

    const disturbed = await testDatabase();
    const random = new Random(claims, formats.length);
    const read = async () => {
      const [row] = await disturbed.sql<{ read: number }[]>`select coalesce(sum(read), 0)::int as read from imports`;
      return row?.read ?? 0;
    };
    const start = () => runProgram(['import', data], { DATABASE_URL: disturbed.url, CLAIMS_API_LOG_LEVEL: 'error' });
    for (let times = 0; times < kills; times += 1) {
      const before = await read();
      const killed = start();
      while ((await read()) === before && killed.child.exitCode === null) await sleep(5);
      await sleep(random.below(100));
      killed.child.kill('SIGKILL');
      await killed.ended();
    }
    const [{ half } = { half: -1 }] = await disturbed.sql<{ half: number }[]>`
      select count(*)::int as half from claims
      where charge is distinct from (document::json -> 'total' ->> 'charge')::numeric
        or paid is distinct from (document::json -> 'total' ->> 'paid')::numeric`;
    expect(half).toBe(0);
    await expectTotalsExact(disturbed.sql);
    expect(await start().ended()).toBe(2);
    expect(await stored(disturbed.sql)).toEqual(expected);
    await expectTotalsExact(disturbed.sql);
  });
});
