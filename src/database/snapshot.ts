import type { PGlite } from '@electric-sql/pglite';
import pg from 'pg';
import type { DatabaseConfig } from '../config/config.ts';
import type { DatabaseOptions } from './client.ts';
import { addComments } from './comments.ts';
import type { Prisma } from './generated/client/client.ts';
import { connectionOptions, statementLimits } from './postgres.ts';
import { supervise } from './statements.ts';

/** The database at one moment, for as long as its transaction is open. */
export interface Snapshot {
  /** A row is one value for each column, as the driver reads it. */
  rows(statement: Pick<Prisma.Sql, 'text' | 'values'>): Promise<(readonly unknown[])[]>;
}

/**
 * Runs `work` on a snapshot, which nothing that is written meanwhile changes, and on which nothing can be written.
 * @param signal ends it at once, a statement under way too.
 */
export type ReadSnapshot = <T>(
  work: (snapshot: Snapshot) => Promise<T>,
  signal?: AbortSignal,
) => Promise<T>;

/** Cursors are read to their end: the fastest first row is not what plans are made for. */
const WHOLE_CURSORS = { cursor_tuple_fraction: '1' };

/** What else is set on a server, where it knows the setting: how long work may take is for the work to say. */
const SERVER_SETTINGS = {
  ...WHOLE_CURSORS,
  idle_in_transaction_session_timeout: '0',
  transaction_timeout: '0',
  // A statement whose reader is gone ends when the server looks whether he still is there.
  client_connection_check_interval: '1000',
};

const SET_ON_SERVER = `SELECT set_config(wanted.name, wanted.value, true)
  FROM json_each_text($1::json) AS wanted (name, value) JOIN pg_settings ON pg_settings.name = wanted.name`;

/** Snapshots of a PostgreSQL server, each on a connection of its own. */
export function postgresSnapshots(
  config: Extract<DatabaseConfig, { kind: 'postgresql' }>,
  { watch, commentOn }: Pick<DatabaseOptions, 'watch' | 'commentOn'>,
): ReadSnapshot {
  return async (work, signal) => {
    signal?.throwIfAborted();
    const connection = new pg.Client({
      ...connectionOptions(config.url),
      ...statementLimits(config),
      connectionTimeoutMillis: config.poolWaitMs,
    });
    const client = supervise(commentOn ? addComments(connection, commentOn) : connection, watch);
    // Between two statements nobody else would be told, and the next one no longer knows why.
    let lost: Error | undefined;
    client.on('error', (error) => (lost ??= error));
    // Not waited for: a server that is gone does not say goodbye. With the connection the transaction ends.
    const end = () => void client.end();
    signal?.addEventListener('abort', end, { once: true });
    try {
      await client.connect();
      await client.query('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY');
      await client.query(SET_ON_SERVER, [JSON.stringify(SERVER_SETTINGS)]);
      return await work({
        async rows({ text, values }) {
          if (lost) throw lost;
          const { rows } = await client.query<unknown[]>({ text, values, rowMode: 'array' });
          return rows;
        },
      });
    } finally {
      signal?.removeEventListener('abort', end);
      end();
    }
  };
}

/** Snapshots of the embedded database: nothing else gets to it meanwhile. */
export function embeddedSnapshots(pglite: PGlite): ReadSnapshot {
  return (work, signal) =>
    pglite.transaction(async (tx) => {
      await tx.exec('SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY');
      for (const [name, value] of Object.entries(WHOLE_CURSORS)) {
        await tx.exec(`SET LOCAL ${name} = ${value}`);
      }
      return work({
        async rows({ text, values }) {
          signal?.throwIfAborted();
          const { rows } = await tx.query<unknown[]>(text, values, { rowMode: 'array' });
          return rows;
        },
      });
    });
}
