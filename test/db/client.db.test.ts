import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import { describe, expect, it, onTestFinished } from 'vitest';
import { createPool, DatabaseUnavailable } from '../../src/db/client.ts';
import { testDatabase } from '../support/database.ts';

const db = await testDatabase();

function pool(size: number, options: { maxWaiting?: number; statementTimeoutSeconds?: number; url?: string } = {}) {
  const made = createPool(options.url ?? db.url, size, { name: 'test', ...options });
  onTestFinished(() => made.end());
  return made;
}

describe('a pool', () => {
  it('gives a query to the least busy connection', async () => {
    const two = pool(2);
    const { promise: held, resolve: release } = Promise.withResolvers<void>();
    const pids: number[] = [];
    const pidOf = (sql: typeof db.sql) =>
      sql<{ pid: number }[]>`select pg_backend_pid() as pid`.then(([row]) => row?.pid as number);
    const slow = two.run(async (sql) => {
      pids.push(await pidOf(sql));
      await held;
    });
    const others = await Promise.all([two.run(pidOf), two.run(pidOf)]);
    release();
    await slow;
    expect(new Set([...pids, ...others]).size).toBe(2);
    expect(others.filter((pid) => pid === pids[0]).length).toBeLessThan(2);
  });

  it('refuses what would wait too long', async () => {
    const one = pool(1, { maxWaiting: 3 });
    const { promise: held, resolve: release } = Promise.withResolvers<void>();
    const waiting = [1, 2, 3].map(() => one.run(() => held));
    await expect(one.run(() => held)).rejects.toThrow(DatabaseUnavailable);
    release();
    await Promise.all(waiting);
    await expect(one.run((sql) => sql`select 1 as one`)).resolves.toEqual([{ one: 1 }]);
  });

  it.each([
    ['nobody listens', undefined],
    ['every connection is closed at once', (socket: Socket) => socket.destroy()],
    ['nobody answers', () => {}],
  ])('says that the database cannot be reached when %s', async (_, onConnection) => {
    const server = createServer(onConnection).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as { port: number };
    if (onConnection === undefined) server.close();
    else onTestFinished(() => void server.close());
    const gone = pool(1, { url: `postgres://postgres@127.0.0.1:${port}/none`, statementTimeoutSeconds: 1 });
    await expect(gone.run((sql) => sql`select 1`)).rejects.toThrow('the database cannot be reached');
  });

  it('ends a query that takes longer than it may, and answers the next', async () => {
    const impatient = pool(1, { statementTimeoutSeconds: 1 });
    await expect(impatient.run((sql) => sql`select pg_sleep(20)`)).rejects.toThrow('the query took longer than it may');
    await expect(impatient.run((sql) => sql`select 1 as one`)).resolves.toEqual([{ one: 1 }]);
  });

  it('answers as if nothing had been when its connections were ended', async () => {
    const three = pool(3);
    for (let round = 0; round < 10; round += 1) {
      await db.sql`
        select pg_terminate_backend(pid) from pg_stat_activity
        where datname = current_database() and application_name = 'claims-api test' and pid <> pg_backend_pid()`;
      const answers = await Promise.all(
        [1, 2, 3].map((number) => three.run((sql) => sql`select ${number}::int as number`)),
      );
      expect(answers).toEqual([[{ number: 1 }], [{ number: 2 }], [{ number: 3 }]]);
    }
  });

  it('goes on to the next host of the address where the first is not there', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as { port: number };
    server.close();
    const { host, pathname, username, password } = new URL(db.url);
    const url = `postgres://${username}:${password}@127.0.0.1:${port},${host}${pathname}`;
    await expect(pool(1, { url }).run((sql) => sql`select 1 as one`)).resolves.toEqual([{ one: 1 }]);
  });

  it('names the host when it asks for TLS, so that its certificate can be checked', async () => {
    const { promise: named, resolve: name } = Promise.withResolvers<string>();
    const server = createServer((socket) => {
      socket.once('data', () => {
        socket.write('S');
        const refuse = (servername: string, done: (error: Error) => void) => {
          name(servername);
          done(new Error('seen'));
        };
        new TLSSocket(socket, { isServer: true, SNICallback: refuse }).on('error', () => socket.destroy());
      });
    }).listen(0); // On every address: what localhost is differs.
    onTestFinished(() => void server.close());
    await once(server, 'listening');
    const { port } = server.address() as { port: number };
    const url = `postgres://postgres@localhost:${port}/none?sslmode=verify-full`;
    const refused = pool(1, { url, statementTimeoutSeconds: 1 }).run((sql) => sql`select 1`);
    expect(await named).toBe('localhost');
    await expect(refused).rejects.toThrow('the database cannot be reached');
  });

  it('gives dates as text and amounts as they are', async () => {
    const [row] = await db.sql`select date '2024-02-29' as day, 1234567890.10::numeric(14, 2) as amount`;
    expect(row).toEqual({ day: '2024-02-29', amount: '1234567890.10' });
  });
});
