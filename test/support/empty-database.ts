import { randomBytes } from 'node:crypto';
import pg from 'pg';
import { inject } from 'vitest';
import { urlOfDatabase } from './global-setup.ts';

/** A database without tables, on the PostgreSQL server that the tests run on. */
export interface EmptyDatabase {
  readonly url: string;
  /** Runs SQL on it, over a connection of its own. */
  query<Row extends pg.QueryResultRow>(sql: string): Promise<Row[]>;
  close(): Promise<void>;
}

export async function runSql<Row extends pg.QueryResultRow>(
  url: string,
  sql: string,
): Promise<Row[]> {
  const client = new pg.Client(url);
  await client.connect();
  try {
    return (await client.query<Row>(sql)).rows;
  } finally {
    await client.end();
  }
}

/** @param options what follows the name in CREATE DATABASE. */
export async function createEmptyDatabase(options = ''): Promise<EmptyDatabase> {
  const template = inject('databaseTemplate');
  if (template.kind !== 'postgresql') throw new Error('This needs a PostgreSQL server.');
  const name = `${template.name}_${randomBytes(4).toString('hex')}`;
  await runSql(template.serverUrl, `CREATE DATABASE ${name} ${options}`);
  const url = urlOfDatabase(template.serverUrl, name);
  return {
    url,
    query: (sql) => runSql(url, sql),
    async close() {
      await runSql(template.serverUrl, `DROP DATABASE ${name} WITH (FORCE)`);
    },
  };
}
