import { join } from 'node:path';
import { PGlite } from '@electric-sql/pglite';
import { PrismaPg } from '@prisma/adapter-pg';
import pg from 'pg';
import { PrismaPGlite } from 'pglite-prisma-adapter';
import type { Logger } from 'pino';
import type { DatabaseConfig } from '../config/config.ts';
import { lockDirectory } from './directory-lock.ts';
import { PrismaClient } from './generated/client/client.ts';
import { applyMigrations, listMigrations, type MigrationConnection } from './migrate.ts';
import { connectionOptions, createPostgresAdapter, createPostgresPool } from './postgres.ts';

/** Any number will do, as long as every copy of the gateway takes the same one. */
const MIGRATION_LOCK = 7_067_388_200_441n;

/** An open database: the only way to rows. */
export interface Database {
  readonly kind: DatabaseConfig['kind'];
  readonly prisma: PrismaClient;
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
  close(): Promise<void>;
}

export interface DatabaseOptions {
  /** Called with the text of each statement that is sent and its parameters, as JSON; for tests. */
  onStatement?: ((sql: string, parameters: string) => void) | undefined;
}

function createClient(
  adapter: PrismaPg | PrismaPGlite,
  { onStatement }: DatabaseOptions,
): PrismaClient {
  // Errors are logged once, by whoever handles the request; Prisma would print them too.
  if (!onStatement) return new PrismaClient({ adapter, log: [], errorFormat: 'minimal' });
  const prisma = new PrismaClient({
    adapter,
    log: [{ level: 'query', emit: 'event' }],
    errorFormat: 'minimal',
  });
  prisma.$on('query', (event) => onStatement(event.query, event.params));
  return prisma;
}

/** The names of the migrations that the database has noted as applied, and of those begun and never ended. */
async function readMigrationState(query: (sql: string) => Promise<{ rows: unknown[] }>) {
  const { rows: tables } = await query(
    `SELECT to_regclass('_prisma_migrations') IS NOT NULL AS exists`,
  );
  if (!(tables[0] as { exists: boolean }).exists) return { applied: [], failed: [] };
  const { rows } = await query(
    `SELECT migration_name AS name, finished_at IS NOT NULL AS done FROM _prisma_migrations
     WHERE rolled_back_at IS NULL`,
  );
  const names = (done: boolean) =>
    (rows as { name: string; done: boolean }[]).filter((r) => r.done === done).map((r) => r.name);
  return { applied: names(true), failed: names(false) };
}

type Query = (sql: string) => Promise<{ rows: unknown[] }>;

/** Migrates over a connection that nobody else migrates over at the same time. */
async function migrateAlone(connection: MigrationConnection, query: Query): Promise<string[]> {
  const { failed } = await readMigrationState(query);
  return applyMigrations(connection, failed);
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
  const pool = createPostgresPool(config);
  const prisma = createClient(createPostgresAdapter(pool, config, log), options);
  return {
    kind: 'postgresql',
    prisma,
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
    async close() {
      await prisma.$disconnect();
    },
  };
}

/** A database on an embedded PostgreSQL that is already running; closing it ends that too. */
export function embeddedDatabase(pglite: PGlite, options: DatabaseOptions = {}): Database {
  const adapterFactory = new PrismaPGlite(pglite);
  const prisma = createClient(adapterFactory, options);
  return {
    kind: 'embedded',
    prisma,
    // One process at a time has the directory.
    exclusively: (run) =>
      run(() =>
        migrateAlone({ adapterFactory, runScript: (script) => pglite.exec(script) }, (sql) =>
          pglite.query(sql),
        ),
      ),
    async close() {
      await prisma.$disconnect();
      await pglite.close();
    },
  };
}

async function openEmbedded(directory: string, options: DatabaseOptions): Promise<Database> {
  const unlock = await lockDirectory(directory);
  try {
    const pglite = await PGlite.create(join(directory, 'postgres'));
    const database = embeddedDatabase(pglite, options);
    return {
      ...database,
      async close() {
        await database.close();
        await unlock();
      },
    };
  } catch (error) {
    await unlock();
    throw error;
  }
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
  return config.kind === 'postgresql'
    ? openPostgres(config, log, options)
    : openEmbedded(config.directory, options);
}
