import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PostgreSqlContainer } from '@testcontainers/postgresql';
import type { TestProject } from 'vitest/node';
import { connect } from '../../src/db/client.ts';
import { startEmbedded } from '../../src/db/embedded.ts';
import { migrate } from '../../src/db/migrate.ts';
import { createLogger } from '../../src/log.ts';
import { engineAnswers, engineIsPromised } from './engine.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** A PostgreSQL in which the tests may make databases. */
    postgresUrl: string;
    /** The migrated database that each test file's own is copied from. */
    templateDatabase: string;
  }
}

interface Server {
  what: string;
  url: string;
  stop(): Promise<unknown>;
}

/** DATABASE_URL, else Testcontainers where an engine answers, else the embedded PostgreSQL. */
async function startPostgres(): Promise<Server> {
  if (process.env.DATABASE_URL) return { what: 'DATABASE_URL', url: process.env.DATABASE_URL, stop: async () => {} };
  let why = 'DATABASE_URL is not set and no Docker engine answers';
  if (engineIsPromised || engineAnswers()) {
    try {
      return await startContainer();
    } catch (error) {
      if (engineIsPromised) throw error;
      why = `the Docker engine could not start one: ${(error as Error).message}`;
    }
  }
  return startEmbeddedServer(why);
}

async function startContainer(): Promise<Server> {
  const container = await new PostgreSqlContainer('postgres:18-trixie')
    .withTmpFs({ '/var/lib/postgresql': 'rw' })
    .start();
  return { what: 'Testcontainers', url: container.getConnectionUri(), stop: () => container.stop() };
}

async function startEmbeddedServer(why: string): Promise<Server> {
  const directory = await mkdtemp(join(tmpdir(), 'claims-api-test-'));
  const embedded = await startEmbedded(join(directory, 'postgres'), { fsync: 'off' });
  return {
    what: `the embedded PostgreSQL (${why})`,
    url: embedded.url,
    stop: async () => {
      await embedded.stop();
      await rm(directory, { recursive: true, force: true });
    },
  };
}

export default async function setup(project: TestProject) {
  const server = await startPostgres();
  console.log(`Tests use PostgreSQL from ${server.what}.`);
  const templateDatabase = `claims_template_${process.pid}`;
  const admin = connect(server.url, { name: 'tests' });
  await admin`create database ${admin(templateDatabase)}`;
  const template = new URL(server.url);
  template.pathname = `/${templateDatabase}`;
  const sql = connect(template.href, { name: 'tests' });
  await migrate(sql, createLogger({ logLevel: 'silent', logFormat: 'json' }));
  await sql.end();
  project.provide('postgresUrl', server.url);
  project.provide('templateDatabase', templateDatabase);
  return async () => {
    await admin`drop database ${admin(templateDatabase)}`;
    await admin.end();
    await server.stop();
  };
}
