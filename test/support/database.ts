import { randomBytes } from 'node:crypto';
import { openAsBlob } from 'node:fs';
import { PGlite } from '@electric-sql/pglite';
import pino from 'pino';
import { inject } from 'vitest';
import { readConfig } from '../../src/config/config.ts';
import { openDatabase, type Database, type DatabaseOptions } from '../../src/database/database.ts';
import { embeddedDatabase } from '../../src/database/embedded.ts';
import { runSql } from './empty-database.ts';
import { urlOfDatabase, type DatabaseTemplate } from './global-setup.ts';

/** A database of this test file's own, migrated and empty; `close` removes it. */
export interface TestDatabase extends Database {
  /** Its URL, where it is a database of a PostgreSQL server. */
  readonly url?: string;
}

export async function createTestDatabase(options: DatabaseOptions = {}): Promise<TestDatabase> {
  const template = inject('databaseTemplate');
  if (template.kind === 'postgresql') return copyDatabase(template, options);
  const loadDataDir = await openAsBlob(template.dumpFile);
  return embeddedDatabase(await PGlite.create({ loadDataDir }), options);
}

/** A database of a server, to be copied while nobody is connected to it. */
export type ServerTemplate = Extract<DatabaseTemplate, { kind: 'postgresql' }>;

/** A copy of a database; `close` removes it. */
export async function copyDatabase(
  template: ServerTemplate,
  options: DatabaseOptions = {},
): Promise<TestDatabase> {
  const name = `${template.name}_${randomBytes(4).toString('hex')}`;
  await runSql(template.serverUrl, `CREATE DATABASE ${name} TEMPLATE ${template.name}`);
  const url = urlOfDatabase(template.serverUrl, name);
  const { database: config } = readConfig({ DATABASE_URL: url });
  const database = await openDatabase(config, pino({ level: 'silent' }), options);
  return {
    ...database,
    url,
    async close() {
      await database.close();
      await runSql(template.serverUrl, `DROP DATABASE ${name} WITH (FORCE)`);
    },
  };
}

let blank: Promise<File | Blob> | undefined;

async function dumpBlank(): Promise<File | Blob> {
  const pglite = await PGlite.create();
  const dump = await pglite.dumpDataDir('none');
  await pglite.close();
  return dump;
}

/** An embedded PostgreSQL that nothing was made in. Making one takes seconds: they are copies of the first. */
export async function createBlank(): Promise<PGlite> {
  return PGlite.create({ loadDataDir: await (blank ??= dumpBlank()) });
}
