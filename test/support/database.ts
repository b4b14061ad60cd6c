import { randomBytes } from 'node:crypto';
import pino from 'pino';
import { inject } from 'vitest';
import { readConfig } from '../../src/config/config.ts';
import { openDatabase, type Database, type DatabaseOptions } from '../../src/database/database.ts';
import { borrowEmbedded } from './embedded.ts';
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
  return borrowEmbedded(template.dumpFile, options);
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
