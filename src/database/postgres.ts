import { PrismaPg } from '@prisma/adapter-pg';
import pg from 'pg';
import type { Logger } from 'pino';
import type { DatabaseConfig } from '../config/config.ts';
import type { DatabaseOptions } from './client.ts';
import { addComments } from './comments.ts';
import { supervisePool } from './statements.ts';

type PostgresConfig = Extract<DatabaseConfig, { kind: 'postgresql' }>;

/** Time a statement gets beyond its limit in the server before the driver itself gives the connection up. */
const DRIVER_GRACE_MS = 2000;

/** How many different statements are prepared under a name, on each connection; the rest run unnamed. */
const MAX_NAMED_STATEMENTS = 300;
/** How long these can be in all: PostgreSQL keeps about a hundred bytes for each character, on each connection. */
const MAX_NAMED_CHARACTERS = 400_000;

/**
 * What every session is set to. Prisma reads and writes `timestamptz` without its offset, which is true only where the zone
 * is UTC, whatever zone the database has. Compiling our statements costs PostgreSQL more time than it saves.
 */
const SETTINGS = '-c TimeZone=UTC -c jit=off';

/**
 * What every session is set to unless its URL says otherwise, whatever its role or database does. The rows asked for are in memory, or on storage that reads any
 * page as fast as the next one. With the costs of disks that turn, PostgreSQL would rather read all tasks of a request and
 * sort them than the first hundred in the order of an index.
 */
const COSTS = '-c random_page_cost=1.1';

/**
 * The driver lets a URL's own `options` take the place of ours: ours are added to them, last, since of two values of one
 * setting the server takes the last.
 */
function withSettings(url: string): string {
  const parsed = new URL(url);
  const own = parsed.searchParams.get('options');
  if (own === null) return url;
  parsed.searchParams.set('options', `${COSTS} ${own} ${SETTINGS}`);
  return parsed.href;
}

/** What every connection needs to be right. */
export function connectionOptions(url: string): pg.ClientConfig {
  return {
    connectionString: withSettings(url),
    options: `${COSTS} ${SETTINGS}`,
    application_name: 'rosetta-gateway',
    keepAlive: true,
    keepAliveInitialDelayMillis: 10_000,
  };
}

/**
 * Names each statement by its text, so that PostgreSQL parses and plans it once a connection. The number of names is
 * bounded, and so is their length, because a connection keeps every statement it has named with its plan, and callers can
 * write any number of queries.
 */
function namesByText(): (sql: string) => string {
  const names = new Map<string, string>();
  let characters = 0;
  return (sql) => {
    const known = names.get(sql);
    if (known !== undefined) return known;
    const isTooMuch = characters + sql.length > MAX_NAMED_CHARACTERS;
    if (isTooMuch || names.size >= MAX_NAMED_STATEMENTS) return '';
    characters += sql.length;
    const name = `gateway_${names.size}`;
    names.set(sql, name);
    return name;
  };
}

/** Stands for the name of a statement whose text is not whole yet. */
const TO_BE_NAMED = 'to be named';

/** Makes what names the statements of a pool; an empty name is that of one that is not to be prepared. */
export function statementNames(
  { namedStatements }: PostgresConfig,
  { commentOn }: Pick<DatabaseOptions, 'commentOn'>,
): (sql: string) => string {
  if (!namedStatements) return () => '';
  return commentOn ? () => TO_BE_NAMED : namesByText();
}

/** How long a statement may take. */
export function statementLimits({ statementTimeoutMs }: PostgresConfig): pg.ClientConfig {
  return {
    statement_timeout: statementTimeoutMs,
    // A server that is paused or cut off cannot enforce its own limit.
    query_timeout: statementTimeoutMs + DRIVER_GRACE_MS,
  };
}

/** A lost idle connection is news, not a fault: the pool opens another one when it needs it. */
function lossesTo(log: Logger) {
  return (error: Error) => log.warn({ reason: error.message }, 'database connection lost');
}

export function createPostgresPool(
  config: PostgresConfig,
  log: Logger,
  { watch, commentOn }: Pick<DatabaseOptions, 'watch' | 'commentOn'>,
): pg.Pool {
  const pool = new pg.Pool({
    ...connectionOptions(config.url),
    max: config.poolSize,
    connectionTimeoutMillis: config.poolWaitMs,
    ...statementLimits(config),
    idleTimeoutMillis: 60_000,
    // A server that is paused does not let go of a connection; that is not to keep the process from its end.
    allowExitOnIdle: true,
    idle_in_transaction_session_timeout: 60_000,
  });
  if (commentOn) {
    const nameOf = namesByText();
    // First of all: who watches statements, or looks at their texts, sees them without.
    pool.on('connect', (client) => addComments(client, commentOn, nameOf));
  }
  // Not left to Prisma's adapter, which listens until it is disposed of, and connections end a moment later.
  return supervisePool(pool, watch).on('error', lossesTo(log));
}

/**
 * Makes a way to end a pool for good, to be called at most once: what is under way on its connections fails, and so does
 * whatever is asked later.
 */
export function endingOf(pool: pg.Pool): () => Promise<void> {
  const busy = new Set<pg.PoolClient>();
  pool.on('acquire', (client) => busy.add(client));
  pool.on('release', (_error, client) => busy.delete(client));
  return async () => {
    const ended = pool.end();
    for (const client of busy) void (client as unknown as pg.Client).end();
    await ended;
  };
}

/**
 * Makes a look at how long the one who has waited longest for a connection of a pool has been waiting, in milliseconds;
 * 0 where nobody waits.
 * @param onWait told, whenever somebody's waiting is over, how many seconds it took.
 */
export function longestWaitOf(pool: pg.Pool, onWait?: (seconds: number) => void): () => number {
  // Who comes first is served first, so that the first of these has waited longest.
  const waits = new Set<{ since: number }>();
  const connect = pool.connect.bind(pool) as () => Promise<pg.PoolClient>;
  const connectNoted = async () => {
    const wait = { since: performance.now() };
    waits.add(wait);
    try {
      return await connect();
    } finally {
      waits.delete(wait);
      onWait?.((performance.now() - wait.since) / 1000);
    }
  };
  Object.assign(pool, { connect: connectNoted });
  return () => {
    const [longest] = waits;
    return longest ? performance.now() - longest.since : 0;
  };
}

export function createPostgresAdapter(
  pool: pg.Pool,
  nameOf: (sql: string) => string,
  log: Logger,
): PrismaPg {
  return new PrismaPg(pool, {
    onConnectionError: lossesTo(log),
    statementNameGenerator: ({ sql }) => nameOf(sql),
  });
}
