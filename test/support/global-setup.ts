import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PGlite } from '@electric-sql/pglite';
import pg from 'pg';
import pino from 'pino';
import type { TestProject } from 'vitest/node';
import { readConfig } from '../../src/config/config.ts';
import { migrateDatabase, openDatabase } from '../../src/database/database.ts';
import { embeddedDatabase } from '../../src/database/embedded.ts';

/** What every test file starts from: a migrated, empty database to copy. */
export type DatabaseTemplate =
  { kind: 'embedded'; dumpFile: string } | { kind: 'postgresql'; serverUrl: string; name: string };

declare module 'vitest' {
  export interface ProvidedContext {
    databaseTemplate: DatabaseTemplate;
  }
}

export function urlOfDatabase(serverUrl: string, name: string): string {
  const url = new URL(serverUrl);
  url.pathname = `/${name}`;
  return url.href;
}

export default async function setup(project: TestProject) {
  const serverUrl = process.env.DATABASE_URL;
  if (serverUrl === undefined) {
    const directory = await mkdtemp(join(tmpdir(), 'gateway-test-'));
    const pglite = await PGlite.create();
    const database = embeddedDatabase(pglite);
    await migrateDatabase(database);
    // A smaller file is loaded sooner: what CREATE DATABASE would copy is not needed.
    await pglite.exec('UPDATE pg_database SET datistemplate = false');
    for (const name of ['template0', 'template1']) await pglite.exec(`DROP DATABASE ${name}`);
    const dumpFile = join(directory, 'template.tar');
    await writeFile(dumpFile, Buffer.from(await (await pglite.dumpDataDir('none')).arrayBuffer()));
    await database.close();
    project.provide('databaseTemplate', { kind: 'embedded', dumpFile });
    return () => rm(directory, { recursive: true });
  }
  const name = `gateway_test_${process.pid}_${project.name}`;
  const server = new pg.Client(serverUrl);
  await server.connect();
  await server.query(`CREATE DATABASE ${name}`);
  const { database: databaseConfig } = readConfig({ DATABASE_URL: urlOfDatabase(serverUrl, name) });
  const database = await openDatabase(databaseConfig, pino({ level: 'silent' }));
  await migrateDatabase(database);
  await database.close();
  project.provide('databaseTemplate', { kind: 'postgresql', serverUrl, name });
  return async () => {
    // The copies of it that tests have left, and what they have made to copy in their turn.
    const { rows } = await server.query<{ made: string }>(
      'SELECT datname AS made FROM pg_database WHERE starts_with(datname, $1)',
      [name],
    );
    for (const { made } of rows) await server.query(`DROP DATABASE ${made} WITH (FORCE)`);
    await server.end();
  };
}
