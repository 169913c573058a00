import { expect, it } from 'vitest';
import { connect, DatabaseUnusable } from '../../src/db/client.ts';
import { openDatabase, refusalOf } from '../../src/db/open.ts';
import { createLogger } from '../../src/log.ts';
import { testDatabase } from '../support/database.ts';

const db = await testDatabase();
const log = createLogger({ logLevel: 'silent', logFormat: 'json' });

it.for<[string, Partial<URL>, RegExp]>([
  ['database', { pathname: '/no_such' }, /\(3D000\): there is no database of its name: create it/],
  ['user', { username: 'no_such' }, /\((28P01|28000)\): its user /],
])('says at once that DATABASE_URL names no %s, and no more of it', async ([, change, said]) => {
  const url = Object.assign(new URL(db.url), change);
  const error = await openDatabase({ databaseUrl: url.href, databaseWaitSeconds: 60 }, log).catch((error) => error);
  expect(error).toBeInstanceOf(DatabaseUnusable);
  expect(error.message).toMatch(said);
  expect(error.message).not.toContain('no_such');
});

it.for(['LATIN1', 'SQL_ASCII'])('says what to do about a database of encoding %s', async (encoding) => {
  const name = `of_${encoding.toLowerCase()}`;
  const sql = connect(db.url, { name: 'test' });
  await sql.unsafe(`create database ${name} encoding '${encoding}' locale 'C' template template0`);
  try {
    const { href } = Object.assign(new URL(db.url), { pathname: `/${name}` });
    const opened = openDatabase({ databaseUrl: href, databaseWaitSeconds: 0 }, log);
    await expect(opened).rejects.toThrow(
      new DatabaseUnusable(
        `A database of encoding UTF8 is needed; that of DATABASE_URL is of ${encoding}: make another with CREATE DATABASE name ENCODING 'UTF8' LOCALE 'C.UTF-8' TEMPLATE template0.`,
      ),
    );
  } finally {
    await sql.unsafe(`drop database ${name}`);
    await sql.end();
  }
});

it.for([
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'CERT_HAS_EXPIRED',
  'HOSTNAME_MISMATCH',
  'ERR_TLS_CERT_ALTNAME_INVALID',
])('says what to do about %s', (code) => {
  const { message } = refusalOf(Object.assign(new Error('x'), { code })) ?? {};
  expect(message).toContain(
    `(${code}): name that host as the certificate does, and the file of its authority in NODE_`,
  );
});

it('takes no other error for a fault of DATABASE_URL', () => {
  for (const code of ['ECONNREFUSED', '42P01', undefined]) {
    expect(refusalOf(Object.assign(new Error('x'), { code }))).toBeUndefined();
  }
});
