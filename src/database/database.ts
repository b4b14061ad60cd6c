import { PrismaPg } from '@prisma/adapter-pg';
import pg from 'pg';
import type { Logger } from 'pino';
import type { DatabaseConfig } from '../config/config.ts';
import { createClient, type DatabaseOptions } from './client.ts';
import type { PrismaClient } from './generated/client/client.ts';
import { listenOnPostgres, type StopListening } from './listen.ts';
import { listMigrations, migrateAlone, readMigrationState } from './migrate.ts';
import {
  connectionOptions,
  createPostgresAdapter,
  createPostgresPool,
  endingOf,
  longestWaitOf,
  statementNames,
} from './postgres.ts';
import { postgresSnapshots, type ReadSnapshot } from './snapshot.ts';
import { postgresTexts, type ReadTexts } from './texts.ts';

/** Any number will do, as long as every copy of the gateway takes the same one. */
const MIGRATION_LOCK = 7_067_388_200_441n;

export type { DatabaseOptions };

/** The connections that requests share. */
export interface PoolLevels {
  readonly inUse: number;
  readonly idle: number;
  /** Those who wait for one. */
  readonly waiting: number;
  /** Milliseconds that the one of them who has waited longest has been waiting. */
  readonly longestWaitMs: number;
}

/** An open database: the only way to rows. */
export interface Database {
  readonly kind: DatabaseConfig['kind'];
  readonly prisma: PrismaClient;
  readonly texts: ReadTexts;
  readonly snapshot: ReadSnapshot;
  /** Absent where there is no pool of them: the embedded database has one connection. */
  connections(): PoolLevels | undefined;
  /**
   * Runs `work` while every other copy of the gateway that wants to do the same waits.
   * @param work may bring the tables up to date, by the function it is handed, which gives the names of the migrations
   * applied.
   * @param signal ends the waiting for another copy, as if the connection were lost.
   */
  exclusively<T>(
    work: (migrate: () => Promise<string[]>) => Promise<T>,
    signal?: AbortSignal,
  ): Promise<T>;
  /**
   * Listens for changes of tasks and the history, whoever makes them, until the function it returns is called.
   * @param wake called when some were committed; also when some may have been that nobody told of.
   */
  listen(wake: () => void): StopListening;
  /** Ends the connections. What is still under way on them fails. */
  close(): Promise<void>;
}

/** Brings the tables of a database up to date. @returns the names of the migrations applied. */
export function migrateDatabase(database: Database): Promise<string[]> {
  return database.exclusively((migrate) => migrate());
}

/** The names of the migrations this build needs and the database lacks. */
export async function pendingMigrations(prisma: PrismaClient): Promise<string[]> {
  const { applied } = await readMigrationState(async (sql) => ({
    rows: await prisma.$queryRawUnsafe<unknown[]>(sql),
  }));
  return (await listMigrations()).filter((name) => !applied.includes(name));
}

function openPostgres(
  config: Extract<DatabaseConfig, { kind: 'postgresql' }>,
  log: Logger,
  options: DatabaseOptions,
): Database {
  const pool = createPostgresPool(config, log, options);
  const endPool = endingOf(pool);
  const longestWaitMs = longestWaitOf(pool, options.onWait);
  const nameOf = statementNames(config, options);
  const prisma = createClient(createPostgresAdapter(pool, nameOf, log), options);
  return {
    kind: 'postgresql',
    prisma,
    texts: postgresTexts(pool, nameOf, options),
    snapshot: postgresSnapshots(config, options),
    connections: () => ({
      inUse: pool.totalCount - pool.idleCount,
      idle: pool.idleCount,
      waiting: pool.waitingCount,
      longestWaitMs: longestWaitMs(),
    }),
    async exclusively(run, signal) {
      // Connections of their own: a migration may take longer than a request's statement may.
      const own = { ...connectionOptions(config.url), connectionTimeoutMillis: config.poolWaitMs };
      const keeper = new pg.Client(own);
      const work = new pg.Pool({ ...own, max: 2 });
      const stopWaiting = () => void keeper.end();
      const onLost = (error: Error) => log.warn({ reason: error.message }, 'connection lost');
      keeper.on('error', onLost);
      work.on('error', onLost);
      try {
        await keeper.connect();
        signal?.addEventListener('abort', stopWaiting);
        await keeper.query('SELECT pg_advisory_lock($1)', [MIGRATION_LOCK.toString()]);
        signal?.removeEventListener('abort', stopWaiting);
        return await run(() =>
          migrateAlone(
            { adapterFactory: new PrismaPg(work), runScript: (script) => work.query(script) },
            (sql) => work.query(sql),
          ),
        );
      } finally {
        signal?.removeEventListener('abort', stopWaiting);
        // The lock ends with its connection.
        await Promise.allSettled([keeper.end(), work.end()]);
      }
    },
    listen: (wake) => listenOnPostgres(config.url, wake, log),
    async close() {
      await Promise.all([endPool(), prisma.$disconnect()]);
    },
  };
}

/**
 * Opens the configured database. A PostgreSQL server is first asked when something is wanted of it.
 * @throws DirectoryInUseError if another process has the embedded database open.
 */
export async function openDatabase(
  config: DatabaseConfig,
  log: Logger,
  options: DatabaseOptions = {},
): Promise<Database> {
  if (config.kind === 'postgresql') return openPostgres(config, log, options);
  // Loaded only where it is used: a PostgreSQL in WebAssembly is tens of megabytes.
  const { openEmbedded } = await import('./embedded.ts');
  return openEmbedded(config.directory, options);
}
