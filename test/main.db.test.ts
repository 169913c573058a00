import { once } from 'node:events';
import { chmod, copyFile, mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { type AddressInfo, connect as connectSocket, createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { TLSSocket } from 'node:tls';
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { generateKeys } from '../src/auth/generate-keys.ts';
import { testDatabase } from './support/database.ts';
import { temporaryDirectory } from './support/files.ts';
import { type Program, runProgram } from './support/program.ts';
import { carrierClaims, carrierFile, carrierRow } from './support/rif.ts';

const db = await testDatabase();
const parent = await temporaryDirectory();
const keys = join(parent, 'keys');
const data = join(parent, 'data');

beforeAll(async () => {
  await mkdir(keys);
  await mkdir(data);
  await generateKeys(keys, { ifMissing: false });
  await writeFile(join(data, 'a.csv'), carrierClaims(3));
});

const env = (more: Record<string, string> = {}) => ({
  DATABASE_URL: db.url,
  CLAIMS_API_KEYS: keys,
  CLAIMS_API_DATA: data,
  CLAIMS_API_PORT: '0',
  // What a test has just written is not waited for.
  CLAIMS_API_SCAN_SECONDS: '0',
  ...more,
});

async function started(more: Record<string, string> = {}): Promise<{ program: Program; url: string }> {
  const program = runProgram([], env(more));
  await program.says('files loaded');
  const [, url] = /listens on (http:\S+?)"/.exec(program.output()) ?? [];
  return { program, url: url as string };
}

const login = (url: string, username: string, password: string) =>
  fetch(`${url}/api/auth/login`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ username, password }),
  });

describe('the service', { timeout: 30_000 }, () => {
  it('loads the data directory, serves it, and ends at SIGTERM', async () => {
    const { program, url } = await started({ CLAIMS_API_INSECURE_DEMO: 'true' });
    const { token } = (await (await login(url, 'demo', 'demo')).json()) as { token: string };
    const list = await fetch(`${url}/api/claims?limit=2`, { headers: { authorization: `Bearer ${token}` } });
    const page = (await list.json()) as { claims: unknown[]; next: string | null };
    expect(page.claims).toHaveLength(2);
    expect(page.next).toEqual(expect.any(String));
    expect(program.output()).toContain('Demo mode: anybody can log in');
    program.child.kill('SIGTERM');
    expect(await program.ended()).toBe(0);
    expect(program.output()).not.toContain(token);
  });

  it('lets nobody in as the demo user without demo mode, even after it was on', async () => {
    await (await started({ CLAIMS_API_INSECURE_DEMO: 'true' })).program.child.kill('SIGTERM');
    const { program, url } = await started();
    expect((await login(url, 'demo', 'demo')).status).toBe(401);
    expect(program.output()).not.toContain('Demo mode');
  });

  it('ends within its time though a client never finishes its request', async () => {
    const { program, url } = await started({ CLAIMS_API_DRAIN_SECONDS: '1' });
    const socket = connectSocket(Number(new URL(url).port), '127.0.0.1');
    socket.on('error', () => {});
    socket.write(
      'POST /api/auth/login HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n{',
    );
    await fetch(`${url}/health/live`); // Answered, so the server has accepted the one before.
    const asked = performance.now();
    program.child.kill('SIGTERM');
    expect(await program.ended()).toBe(0);
    expect(performance.now() - asked).toBeLessThan(5000);
  });

  it('goes on loading, and serving, after the connection of a load was ended', async () => {
    const directory = await mkdtemp(join(parent, 'data-'));
    await writeFile(
      join(directory, 'b.csv'),
      carrierClaims(8000, () => ({ BENE_ID: 'interrupted' })),
    );
    const program = runProgram([], env({ CLAIMS_API_DATA: directory }));
    await program.says('listens on');
    await program.says('loading (rif');
    const [ended] = await db.sql`
      select count(pg_terminate_backend(pid))::int as count from pg_stat_activity
      where application_name = 'claims-api import' and datname = current_database()`;
    expect(ended).toEqual({ count: 1 });
    await program.says('trying again in');
    await program.says('b.csv: loaded in');
    const [row] = await db.sql`select count(*)::int as claims from claims where patient_id = 'interrupted'`;
    expect(row).toEqual({ claims: 8000 });
  });

  it('serves what it has when the data directory is missing, and says so', async () => {
    const program = runProgram([], env({ CLAIMS_API_DATA: join(parent, 'nowhere') }));
    await program.says('does not exist: mount the claim files there');
    const [, url] = /listens on (http:\S+?)"/.exec(program.output()) ?? [];
    expect((await fetch(`${url}/health/live`)).status).toBe(200);
  });
});

it('ends at once at SIGTERM while it waits for its database', async () => {
  const program = runProgram([], env({ DATABASE_URL: 'postgres://u@127.0.0.1:1/d' }));
  await program.says('waiting for the database');
  program.child.kill('SIGTERM');
  expect(await program.ended()).toBe(1);
});

describe('a start that cannot be', { timeout: 30_000 }, () => {
  /** The one thing that is wrong, and the one line that says so. */
  async function failure(more: Record<string, string>, args: string[] = []): Promise<string> {
    const program = runProgram(args, env({ CLAIMS_API_LOG_LEVEL: 'error', ...more }));
    expect(await program.ended()).toBe(1);
    return program.output();
  }

  it('names every setting that is wrong, and no secret', async () => {
    const output = await failure({
      CLAIMS_API_PORT: 'x',
      CLAIMS_API_LOG_LEVEL: 'loud',
      DATABASE_URL: 'mysql://u:pa55word@h/d',
    });
    for (const name of ['CLAIMS_API_PORT', 'CLAIMS_API_LOG_LEVEL', 'DATABASE_URL']) expect(output).toContain(name);
    expect(output).not.toContain('pa55word');
  });

  it('says that the database cannot be reached', async () => {
    const output = await failure({
      DATABASE_URL: 'postgres://u:secret@127.0.0.1:1/d',
      CLAIMS_API_DATABASE_WAIT_SECONDS: '0',
    });
    expect(output).toMatch(/^claims: The database cannot be reached \(ECONNREFUSED\) .*: check DATABASE_URL/);
    expect(output.split('\n')).toHaveLength(1);
    expect(output).not.toContain('secret');
  });

  it('says that the database is of a newer program', async () => {
    const newer = await testDatabase();
    await newer.sql`insert into schema_migrations (version, name) values (9999, 'x')`;
    const output = await failure({ DATABASE_URL: newer.url });
    expect(output).toMatch(/^claims: The database is at migration 9999/);
    expect(output.split('\n')).toHaveLength(1);
  });

  it.each<[string, (directory: string) => Promise<unknown>, RegExp]>([
    ['is missing', (directory) => rm(join(directory, 'jwt_key')), /jwt_key.*claims keys generate/s],
    ['is readable by everybody', (directory) => chmod(join(directory, 'jwt_key'), 0o644), /chmod 0640/],
    [
      'is swapped with the public one',
      (directory) => copyFile(join(directory, 'jwt_key.pub.pem'), join(directory, 'jwt_key')),
      /jwt_key/,
    ],
  ])('says that the private key %s', async (_, spoil, message) => {
    const directory = await mkdtemp(join(parent, 'keys-'));
    await generateKeys(directory, { ifMissing: false });
    await spoil(directory);
    const output = await failure({ CLAIMS_API_KEYS: directory });
    expect(output).toMatch(message);
    expect(output.split('\n')).toHaveLength(1);
  });

  it('says which command there is not', async () => {
    expect(await failure({}, ['sing'])).toMatch(/^claims: There is no command sing\.\n\nUsage:/);
  });
});

it('takes uploads, and keeps none when it ends', { timeout: 30_000 }, async () => {
  const uploads = await mkdtemp(join(parent, 'uploads-'));
  const { program, url } = await started({ CLAIMS_API_UPLOADS: uploads, CLAIMS_API_INSECURE_DEMO: 'true' });
  await db.sql`update users set scopes = '{claims:read,imports:read,imports:write}' where name = 'demo'`;
  const { token } = (await (await login(url, 'demo', 'demo')).json()) as { token: string };
  const authorization = `Bearer ${token}`;
  const content = carrierClaims(20_000, () => ({ BENE_ID: 'uploaded' }));
  const answer = await fetch(`${url}/api/imports?name=may.csv`, {
    method: 'POST',
    headers: { authorization },
    body: content,
  });
  expect(answer.status).toBe(202);
  const location = answer.headers.get('location');
  await program.says('may.csv: loading (rif');
  program.child.kill('SIGTERM');
  expect(await program.ended()).toBe(0);
  expect(await readdir(uploads)).toEqual([]);
  const [row] = await db.sql`select status, reason from imports where file = 'may.csv'`;
  expect(row).toEqual({ status: 'failed', reason: 'the service ended before it was loaded; upload it again' });

  const second = await started({ CLAIMS_API_UPLOADS: uploads, CLAIMS_API_INSECURE_DEMO: 'true' });
  const again = await fetch(`${second.url}/api/imports?name=may.csv`, {
    method: 'POST',
    headers: { authorization },
    body: content,
  });
  expect(again.headers.get('location')).toBe(location);
  await second.program.says('may.csv: loaded in');
  const [sum] = await db.sql`select count(*)::int as claims from claims where patient_id = 'uploaded'`;
  expect(sum).toEqual({ claims: 20_000 });
});

describe('two services on one database and one directory', { timeout: 90_000 }, () => {
  it('share the files, and the one goes on with what the other was killed at', async () => {
    const shared = await testDatabase();
    const directory = await mkdtemp(join(parent, 'shared-'));
    const rows = 20_000;
    const files = ['a.csv', 'b.csv', 'c.csv', 'd.csv'];
    for (const [index, file] of files.entries()) {
      await writeFile(
        join(directory, file),
        carrierClaims(rows, (row) => ({ CLM_ID: `-${index}${row + 100_000}` })),
      );
    }
    const start = () =>
      runProgram([], env({ DATABASE_URL: shared.url, CLAIMS_API_DATA: directory, CLAIMS_API_SCAN_SECONDS: '1' }));
    const services = [start(), start()];
    const loader = await Promise.any(
      services.map(async (service) => {
        await service.says('loading (rif');
        return service;
      }),
    );
    loader.child.kill('SIGKILL');
    await loader.ended();
    const complete = async () => {
      const [row] = await shared.sql`
        select count(*)::int as files from imports where status = 'completed' and added + unchanged = ${rows}`;
      return row?.files === files.length;
    };
    while (!(await complete())) await new Promise((resolve) => setTimeout(resolve, 100));
    const [row] = await shared.sql`
      select (select count(*)::int from imports) as imports, (select count(*)::int from claims) as claims,
        (select count(*)::int from claim_history) as history, (select sum(added)::int from imports) as added`;
    const total = files.length * rows;
    expect(row).toEqual({ imports: files.length, claims: total, history: 0, added: total });

    const survivor = services.find((service) => service !== loader);
    await writeFile(join(directory, 'e.csv'), carrierClaims(3));
    await survivor?.says('e.csv: loaded in');
  });
});

describe('claims import', { timeout: 30_000 }, () => {
  it.each([
    ['0 when all went in', carrierClaims(2, () => ({ BENE_ID: 'a' })), 0],
    [
      '2 when records were rejected',
      carrierClaims(2, (index) => (index === 0 ? { CLM_PMT_AMT: 'x' } : { BENE_ID: 'b' })),
      2,
    ],
    ['1 when the file was refused', 'SQLite format 3\0', 1],
    ['1 when the file was of no known format', 'nothing to see', 1],
  ])('ends with %s', async (_, content, status) => {
    const path = join(await mkdtemp(join(parent, 'import-')), 'file');
    await writeFile(path, content);
    const program = runProgram(['import', path], env());
    expect(await program.ended()).toBe(status);
  });

  it('finds that the claims behind new ones are known', async () => {
    const directory = await mkdtemp(join(parent, 'import-'));
    const path = join(directory, 'claims.csv');
    const numbers = Array.from({ length: 6000 }, (_, index) => `${index + 1}`);
    for (const part of [numbers.slice(4000), numbers]) {
      await writeFile(path, carrierFile(part.map((CLM_ID) => carrierRow({ BENE_ID: 'known', CLM_ID }))));
      const program = runProgram(['import', path], env());
      expect(await program.ended(), program.output()).toBe(0);
      expect(program.output()).toContain(
        part === numbers
          ? '6,000 read, 4,000 added, 0 changed, 2,000 unchanged'
          : '2,000 read, 2,000 added, 0 changed, 0 unchanged',
      );
    }
  });

  it('reaches its database over TLS', async () => {
    // Of a kind that needs no certificate, which nothing here could make.
    const [cipher, version] = ['AECDH-AES256-SHA:@SECLEVEL=0', 'TLSv1.2'] as const;
    const database = new URL(db.url);
    const sockets: Socket[] = [];
    const server = createServer((socket) => {
      socket.once('data', () => {
        socket.write('S'); // In answer to an SSLRequest: https://www.postgresql.org/docs/18/protocol-flow.html
        const secured = new TLSSocket(socket, { isServer: true, ciphers: cipher, maxVersion: version });
        const plain = connectSocket(Number(database.port || 5432), database.hostname);
        secured.on('secure', () => sockets.push(secured.pipe(plain).pipe(secured)));
        for (const end of [secured, plain]) end.on('error', () => socket.destroy());
      });
    }).listen(0, '127.0.0.1');
    onTestFinished(() => void server.close());
    await once(server, 'listening');
    const url = new URL(`${db.url}?sslmode=require`);
    url.host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
    const path = join(await mkdtemp(join(parent, 'import-')), 'file');
    await writeFile(
      path,
      carrierClaims(3000, () => ({ BENE_ID: 'secret' })),
    );
    const program = runProgram(
      ['import', path],
      env({ DATABASE_URL: url.href, NODE_OPTIONS: `--tls-cipher-list=${cipher} --tls-max-v1.2` }),
    );
    expect(await program.ended(), program.output()).toBe(0);
    expect(sockets.length).toBeGreaterThan(0);
    const [row] = await db.sql`select count(*)::int as claims from claims where patient_id = 'secret'`;
    expect(row).toEqual({ claims: 3000 });
  });

  it('reads standard input, and keeps nothing of it', async () => {
    const uploads = await mkdtemp(join(parent, 'uploads-'));
    const program = runProgram(['import', '-'], env({ CLAIMS_API_UPLOADS: uploads }));
    program.child.stdin?.end(carrierClaims(2, () => ({ BENE_ID: 'piped' })));
    expect(await program.ended()).toBe(0);
    expect(program.output()).toContain('standard input: loaded in');
    expect(await readdir(uploads)).toEqual([]);
    const [row] = await db.sql`select count(*)::int as claims from claims where patient_id = 'piped'`;
    expect(row).toEqual({ claims: 2 });
  });

  it.each([
    ['a format that there is not', ['--format', 'excel'], /There is no format excel; expected one of .*rif.*ndjson/],
    ['an option that there is not', ['--force'], /--force/],
    ['two paths', ['a', 'b'], /at most one path, found 2/],
    ['a source without a name', ['--source='], /Expected a name after --source/],
  ])('does not take %s', async (_what, args, message) => {
    const program = runProgram(['import', ...args], env());
    expect(await program.ended()).toBe(1);
    expect(program.output()).toMatch(message);
  });
});
