import { Socket } from 'node:net';
import { PrismaPg } from '@prisma/adapter-pg';
import pg from 'pg';
import type { Logger } from 'pino';
import type { DatabaseConfig } from '../config/config.ts';

type PostgresConfig = Extract<DatabaseConfig, { kind: 'postgresql' }>;

/** Time a statement gets beyond its limit in the server before the driver itself gives the connection up. */
const DRIVER_GRACE_MS = 2000;

/** How many different statements are prepared under a name, on each connection; the rest run unnamed. */
const MAX_NAMED_STATEMENTS = 300;

/**
 * What every session is set to. Prisma reads and writes `timestamptz` without its offset, which is true only where the zone
 * is UTC, whatever zone the database has. Compiling our statements costs PostgreSQL more time than it saves.
 */
const SETTINGS = '-c TimeZone=UTC -c jit=off';

/**
 * The driver lets a URL's own `options` take the place of ours: ours are added to them, last, since of two values of one
 * setting the server takes the last.
 */
function withSettings(url: string): string {
  const parsed = new URL(url);
  const own = parsed.searchParams.get('options');
  if (own === null) return url;
  parsed.searchParams.set('options', `${own} ${SETTINGS}`);
  return parsed.href;
}

/** What every connection needs to be right. */
export function connectionOptions(url: string): pg.ClientConfig {
  return {
    connectionString: withSettings(url),
    options: SETTINGS,
    application_name: 'rosetta-gateway',
    keepAlive: true,
    keepAliveInitialDelayMillis: 10_000,
  };
}

/**
 * Names each statement by its text, so that PostgreSQL parses and plans it once a connection. The number of names is
 * bounded, because a connection keeps every statement it has named and callers can write any number of queries.
 */
function statementNames(limit: number) {
  const names = new Map<string, string>();
  return ({ sql }: { sql: string }): string => {
    const known = names.get(sql);
    if (known !== undefined) return known;
    if (names.size >= limit) return '';
    const name = `gateway_${names.size}`;
    names.set(sql, name);
    return name;
  };
}

/** Connections to be shared, and a way to hang up on the server: one that is paused would let go of none. */
export interface PostgresPool {
  readonly pool: pg.Pool;
  readonly hangUp: () => void;
}

export function createPostgresPool(config: PostgresConfig): PostgresPool {
  const sockets = new Set<Socket>();
  const stream = () => {
    const socket = new Socket();
    sockets.add(socket);
    return socket.once('close', () => sockets.delete(socket));
  };
  const pool = new pg.Pool({
    ...connectionOptions(config.url),
    stream,
    max: config.poolSize,
    connectionTimeoutMillis: config.poolWaitMs,
    idleTimeoutMillis: 60_000,
    statement_timeout: config.statementTimeoutMs,
    // A server that is paused or cut off cannot enforce its own limit.
    query_timeout: config.statementTimeoutMs + DRIVER_GRACE_MS,
    idle_in_transaction_session_timeout: 60_000,
  });
  return { pool, hangUp: () => sockets.forEach((socket) => socket.destroy()) };
}

export function createPostgresAdapter(
  pool: pg.Pool,
  config: PostgresConfig,
  log: Logger,
): PrismaPg {
  // A lost idle connection is news, not a fault: the pool opens another one when it needs it.
  const onLostConnection = (error: Error) =>
    log.warn({ reason: error.message }, 'database connection lost');
  return new PrismaPg(pool, {
    disposeExternalPool: true,
    onPoolError: onLostConnection,
    onConnectionError: onLostConnection,
    ...(config.namedStatements && { statementNameGenerator: statementNames(MAX_NAMED_STATEMENTS) }),
  });
}
