import type { PGlite, Transaction } from '@electric-sql/pglite';
import type pg from 'pg';
import { RequestOverError } from '../domain/errors.ts';
import { stopper } from './cancel.ts';
import { currentRequest, untilOver, type CurrentRequest, type EndSignal } from './request.ts';

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

/** What has to be sent whatever becomes of its request, and be left to end: a connection must not stay in a transaction. */
const ENDS_TRANSACTION = /^(COMMIT|ROLLBACK)/;

/** Waits for a statement's end, which the signal brings about early. What it has done by then is told as it is. */
async function untilAborted(
  statement: Promise<unknown>,
  signal: EndSignal,
  stop: () => Promise<void>,
): Promise<unknown> {
  let stopping: Promise<void> | undefined;
  const onAbort = () => void (stopping = stop());
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    return await statement;
  } catch (error) {
    throw stopping ? signal.reason : error;
  } finally {
    signal.removeEventListener('abort', onAbort);
    await stopping;
  }
}

/**
 * Makes what sends statements on behalf of the present request. Whatever is sent to a database passes here.
 * @param stop ends those that are under way; absent where nothing can.
 */
function sending(
  sendNow: Send,
  watch: WatchStatements | undefined,
  stop: (() => Promise<void>) | undefined,
): Send {
  return async (...statement) => {
    const request = currentRequest();
    const text = textOf(statement[0]);
    const signal = ENDS_TRANSACTION.test(text) ? undefined : request?.signal;
    signal?.throwIfAborted();
    const end = watch?.(text, request);
    try {
      const sent = sendNow(...statement);
      const result = await (stop && signal ? untilAborted(sent, signal, stop) : sent);
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
  stop?: () => Promise<void>,
): Connection {
  const query = sending(connection.query.bind(connection) as Send, watch, stop);
  return Object.assign(connection, { query });
}

/** Waits for a connection, but not beyond the end of the present request: one that comes later goes back at once. */
function connecting(connectNow: () => Promise<pg.PoolClient>): () => Promise<pg.PoolClient> {
  return async () => {
    currentRequest()?.signal?.throwIfAborted();
    const connected = connectNow();
    try {
      return await untilOver(connected);
    } catch (error) {
      connected.then(
        (client) => client.release(),
        () => {},
      );
      throw error;
    }
  };
}

/**
 * Does the same for each connection of a pool, which hands them out to those who ask, and these send in their own name: the
 * pool would go on in the name of whoever has given the connection back.
 */
export function supervisePool(pool: pg.Pool, watch: WatchStatements | undefined): pg.Pool {
  pool.on('connect', (client) =>
    // Whoever holds a connection that is lost hears of it from his statement, and the pool reports those that nobody holds.
    // But where nobody listens, its loss would end the process.
    supervise(client, watch, stopper(client)).on('error', () => {}),
  );
  const query: Send = async (...statement) => {
    const client = await pool.connect();
    try {
      const result = await (client.query as Send)(...statement);
      client.release();
      return result;
    } catch (error) {
      // Who was stopped leaves a connection that is as good as before, or has ended.
      client.release(error instanceof RequestOverError ? undefined : (error as Error));
      throw error;
    }
  };
  return Object.assign(pool, { query, connect: connecting(pool.connect.bind(pool)) });
}

/** Does the same for the embedded database. */
export function supervisePGlite(pglite: PGlite, watch: WatchStatements | undefined): PGlite {
  const begin = pglite.transaction.bind(pglite);
  const transaction: PGlite['transaction'] = (work) => begin((tx) => work(supervise(tx, watch)));
  return Object.assign(supervise(pglite, watch), { transaction });
}
