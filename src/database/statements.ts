import type { PGlite, Transaction } from '@electric-sql/pglite';
import type pg from 'pg';
import { currentRequest, type CurrentRequest } from './request.ts';

/** Told of each statement when it is sent, and by the function it gives back how that went. */
export type WatchStatements = (
  text: string,
  request: CurrentRequest | undefined,
) => ((error?: unknown) => void) | undefined;

/** Sends a statement, in one of the drivers' forms. */
type Send = (...statement: unknown[]) => Promise<unknown>;

function textOf(statement: unknown): string {
  return typeof statement === 'string' ? statement : (statement as { text: string }).text;
}

/** Makes what sends statements on behalf of the present request. Whatever is sent to a database passes here. */
function sending(sendNow: Send, watch: WatchStatements | undefined): Send {
  return async (...statement) => {
    const request = currentRequest();
    request?.signal?.throwIfAborted();
    const end = watch?.(textOf(statement[0]), request);
    try {
      const result = await sendNow(...statement);
      end?.();
      return result;
    } catch (error) {
      end?.(error);
      throw error;
    }
  };
}

/** Lets what is sent on a connection pass by {@link sending}. The driver's forms with a callback are gone then. */
export function supervise<Connection extends pg.ClientBase | PGlite | Transaction>(
  connection: Connection,
  watch: WatchStatements | undefined,
): Connection {
  const query = sending(connection.query.bind(connection) as Send, watch);
  return Object.assign(connection, { query });
}

/**
 * Does the same for each connection of a pool, which hands them out to those who ask, and these send in their own name: the
 * pool would go on in the name of whoever has given the connection back.
 */
export function supervisePool(pool: pg.Pool, watch: WatchStatements | undefined): pg.Pool {
  pool.on('connect', (client) =>
    // Whoever holds a connection that is lost hears of it from his statement, and the pool reports those that nobody holds.
    // But where nobody listens, its loss would end the process.
    supervise(client, watch).on('error', () => {}),
  );
  const query: Send = async (...statement) => {
    const client = await pool.connect();
    try {
      const result = await (client.query as Send)(...statement);
      client.release();
      return result;
    } catch (error) {
      client.release(error as Error);
      throw error;
    }
  };
  return Object.assign(pool, { query });
}

/** Does the same for the embedded database. */
export function supervisePGlite(pglite: PGlite, watch: WatchStatements | undefined): PGlite {
  const begin = pglite.transaction.bind(pglite);
  const transaction: PGlite['transaction'] = (work) => begin((tx) => work(supervise(tx, watch)));
  return Object.assign(supervise(pglite, watch), { transaction });
}
