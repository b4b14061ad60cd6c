import { randomBytes } from 'node:crypto';
import { openAsBlob } from 'node:fs';
import { PGlite } from '@electric-sql/pglite';
import pg from 'pg';
import pino from 'pino';
import { inject } from 'vitest';
import { readConfig } from '../../src/config/config.ts';
import { openDatabase, type Database, type DatabaseOptions } from '../../src/database/database.ts';
import { embeddedDatabase } from '../../src/database/embedded.ts';
import { urlOfDatabase } from './global-setup.ts';

/** A database of this test file's own, migrated and empty; `close` removes it. */
export interface TestDatabase extends Database {
  /** Its URL, where it is a database of a PostgreSQL server. */
  readonly url?: string;
}

export async function createTestDatabase(options: DatabaseOptions = {}): Promise<TestDatabase> {
  const template = inject('databaseTemplate');
  if (template.kind === 'embedded') {
    const loadDataDir = await openAsBlob(template.dumpFile);
    return embeddedDatabase(await PGlite.create({ loadDataDir }), options);
  }
  const name = `${template.name}_${randomBytes(4).toString('hex')}`;
  await onServer(template.serverUrl, `CREATE DATABASE ${name} TEMPLATE ${template.name}`);
  const url = urlOfDatabase(template.serverUrl, name);
  const { database: config } = readConfig({ DATABASE_URL: url });
  const database = await openDatabase(config, pino({ level: 'silent' }), options);
  return {
    ...database,
    url,
    async close() {
      await database.close();
      await onServer(template.serverUrl, `DROP DATABASE ${name} WITH (FORCE)`);
    },
  };
}

async function onServer(url: string, sql: string): Promise<void> {
  const client = new pg.Client(url);
  await client.connect();
  try {
    await client.query(sql);
  } finally {
    await client.end();
  }
}
