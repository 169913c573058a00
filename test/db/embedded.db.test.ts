import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { connect } from '../../src/db/client.ts';
import { type EmbeddedPostgres, startEmbedded } from '../../src/db/embedded.ts';
import { temporaryDirectory } from '../support/files.ts';

const parent = await temporaryDirectory();

async function ask(
  postgres: EmbeddedPostgres,
  work: (sql: ReturnType<typeof connect>) => Promise<unknown>,
): Promise<unknown> {
  const sql = connect(postgres.url, { name: 'test' });
  try {
    return await work(sql);
  } finally {
    await sql.end();
  }
}

it('keeps its data when it is stopped, and when everything is killed', { timeout: 60_000 }, async () => {
  // A directory that only its owner can enter, as a home directory is.
  const home = join(parent, 'home');
  await mkdir(home);
  await chmod(home, 0o700);
  const directory = join(home, 'postgres');

  let postgres = await startEmbedded(directory);
  await ask(postgres, (sql) => sql`create table kept as select 42 as answer`);
  await postgres.stop();

  postgres = await startEmbedded(directory);
  const pid = Number((await readFile(join(directory, 'postmaster.pid'), 'utf8')).split('\n')[0]);
  process.kill(pid, 'SIGKILL');

  postgres = await startEmbedded(directory);
  onTestFinished(() => postgres.stop());
  expect(await ask(postgres, (sql) => sql`select answer from kept`)).toEqual([{ answer: 42 }]);
});

it('is shared by the programs of one checkout, and stopped by the last of them', { timeout: 60_000 }, async () => {
  const directory = join(parent, 'shared');
  const first = await startEmbedded(directory);
  const second = await startEmbedded(directory);
  expect(second.url).toBe(first.url);
  const inUse = connect(second.url, { name: 'test' });
  await inUse`select 1`;
  await first.stop();
  expect(await inUse`select 1 as one`).toEqual([{ one: 1 }]);
  await inUse.end();
  await second.stop();
  await expect(ask(second, (sql) => sql`select 1`)).rejects.toThrow();
});

it('survives the program that started it, which finds it again', { timeout: 60_000 }, async () => {
  const directory = join(parent, 'orphan');
  const module = new URL('../../src/db/embedded.ts', import.meta.url).pathname;
  const script = `const { startEmbedded } = await import(${JSON.stringify(module)});
    const postgres = await startEmbedded(${JSON.stringify(directory)});
    console.log(postgres.url); process.kill(process.pid, 'SIGKILL');`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', script]);
  let url = '';
  child.stdout.on('data', (chunk) => {
    url += chunk;
  });
  await once(child, 'close');
  const found = await startEmbedded(directory);
  onTestFinished(() => found.stop());
  expect(found.url).toBe(url.trim());
});
