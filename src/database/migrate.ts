import { readFile, readdir } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  bindMigrationAwareSqlAdapterFactory,
  type ErrorRegistry,
  type SqlDriverAdapter,
  type SqlMigrationAwareDriverAdapterFactory,
} from '@prisma/driver-adapter-utils';
import * as bindings from '@prisma/schema-engine-wasm/schema_engine_bg';

const PRISMA_DIRECTORY = fileURLToPath(new URL('../../prisma', import.meta.url));
const MIGRATIONS_DIRECTORY = join(PRISMA_DIRECTORY, 'migrations');

/** A migration could not be applied; the message names it and says what the database answered. */
export class MigrationError extends Error {
  override name = 'MigrationError';
}

/** The names of the migrations this build needs, in their order. */
export async function listMigrations(): Promise<string[]> {
  const entries = await readdir(MIGRATIONS_DIRECTORY, { withFileTypes: true });
  return entries
    .filter((entry) => entry.isDirectory())
    .map((entry) => entry.name)
    .sort();
}

// Node has it; its type definitions for Node 20 do not.
declare const WebAssembly: {
  instantiate(
    bytes: Uint8Array,
    imports: Record<string, object>,
  ): Promise<{ instance: { exports: { __wbindgen_start(): void } } }>;
};

/** The engine forgets its timers, of ten seconds, instead of clearing them: they must not hold the process up. */
const imports = Object.fromEntries(
  Object.entries(bindings).map(([name, value]: [string, unknown]) =>
    name.startsWith('__wbg_setTimeout_')
      ? [name, (run: () => void, ms: number) => setTimeout(run, ms).unref()]
      : [name, value],
  ),
);

const INSTANTIATED = Symbol.for('rosetta-gateway.schema-engine');

/**
 * The bindings hold one instance for the whole process. A second one, made by a second copy of this module (vitest makes
 * one for each project), would take the first one's memory away under it; hence not a variable of this module.
 */
const shared = globalThis as { [INSTANTIATED]?: Promise<void> };

/** Prisma's own schema engine, as WebAssembly: it needs no download. Its Node entry point relies on a bundler, hence this. */
function instantiateEngine(): Promise<void> {
  shared[INSTANTIATED] ??= (async () => {
    const entry = createRequire(import.meta.url).resolve('@prisma/schema-engine-wasm');
    const bytes = await readFile(join(entry, '..', 'schema_engine_bg.wasm'));
    const { instance } = await WebAssembly.instantiate(bytes, {
      './schema_engine_bg.js': imports,
    });
    bindings.__wbg_set_wasm(instance.exports);
    instance.exports.__wbindgen_start();
  })();
  return shared[INSTANTIATED];
}

/** What an error of the engine stands for: of what the driver threw, the engine knows only a number. */
function originOf(error: unknown, thrown: ErrorRegistry): unknown {
  const text = error instanceof Error ? error.message : String(error);
  const id = /External error id#(\d+)/.exec(text)?.[1];
  const origin = id === undefined ? undefined : thrown.consumeError(Number(id))?.error;
  if (origin === undefined) return error;
  const migration = /migration_name="([^"]*)"/.exec(text)?.[1];
  const said = origin instanceof Error ? origin.message : text;
  return new Error(migration === undefined ? said : `${migration}: ${said}`, { cause: origin });
}

/** Runs `use` with Prisma's schema engine on a database. */
export async function withSchemaEngine<T>(
  adapterFactory: SqlMigrationAwareDriverAdapterFactory,
  use: (engine: bindings.SchemaEngine) => Promise<T>,
): Promise<T> {
  await instantiateEngine();
  const factory = bindMigrationAwareSqlAdapterFactory(adapterFactory);
  let engine: bindings.SchemaEngine | undefined;
  try {
    engine = await bindings.SchemaEngine.new({ datamodels: undefined }, () => {}, factory);
    return await use(engine);
  } catch (error) {
    throw originOf(error, factory.errorRegistry);
  } finally {
    engine?.free();
  }
}

/** A connection for migrations: Prisma's adapter, and a way to run a script of several statements as one transaction. */
export interface MigrationConnection {
  adapterFactory: SqlMigrationAwareDriverAdapterFactory;
  runScript(script: string): Promise<unknown>;
}

/**
 * The adapters' own `executeScript` cuts a script at every semicolon, inside function bodies too, or does not wait for
 * its end. Sent whole, a script is one implicit transaction: it is applied entirely or not at all.
 */
function withWholeScripts(connection: MigrationConnection): SqlMigrationAwareDriverAdapterFactory {
  const { adapterFactory } = connection;
  const wrap = (adapter: SqlDriverAdapter): SqlDriverAdapter =>
    Object.assign(Object.create(adapter) as SqlDriverAdapter, {
      executeScript: async (script: string) => {
        await connection.runScript(script);
      },
    });
  return {
    provider: adapterFactory.provider,
    adapterName: adapterFactory.adapterName,
    connect: async () => wrap(await adapterFactory.connect()),
    connectToShadowDb: () => adapterFactory.connectToShadowDb(),
  };
}

async function readMigrations(): Promise<bindings.MigrationList> {
  const names = await listMigrations();
  return {
    baseDir: MIGRATIONS_DIRECTORY,
    lockfile: {
      path: './migration_lock.toml',
      content: await readFile(join(MIGRATIONS_DIRECTORY, 'migration_lock.toml'), 'utf8'),
    },
    shadowDbInitScript: '',
    migrationDirectories: await Promise.all(
      names.map(async (name) => ({
        path: name,
        migrationFile: {
          path: 'migration.sql',
          content: {
            tag: 'ok' as const,
            value: await readFile(join(MIGRATIONS_DIRECTORY, name, 'migration.sql'), 'utf8'),
          },
        },
      })),
    ),
  };
}

/**
 * Applies the migrations that the database lacks, keeping Prisma's own table of them. One that failed earlier is tried
 * again: since a script is one transaction, the failure left nothing behind.
 * @param failedBefore the names of migrations that the database has noted as begun and not ended.
 * @returns the names of those applied.
 * @throws MigrationError if one fails.
 */
export async function applyMigrations(
  connection: MigrationConnection,
  failedBefore: readonly string[],
): Promise<string[]> {
  const migrationsList = await readMigrations();
  try {
    return await withSchemaEngine(withWholeScripts(connection), async (engine) => {
      for (const migrationName of failedBefore) {
        await engine.markMigrationRolledBack({ migrationName });
      }
      const filters = { externalTables: [], externalEnums: [] };
      return (await engine.applyMigrations({ migrationsList, filters })).appliedMigrationNames;
    });
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    throw new MigrationError(`The database could not be migrated: ${message}`, { cause: error });
  }
}

/** Sends a statement over whatever connection there is. */
type Query = (sql: string) => Promise<{ rows: unknown[] }>;

/** The names of the migrations that the database has noted as applied, and of those begun and never ended. */
export async function readMigrationState(query: Query) {
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

/** Migrates over a connection that nobody else migrates over at the same time. */
export async function migrateAlone(
  connection: MigrationConnection,
  query: Query,
): Promise<string[]> {
  const { failed } = await readMigrationState(query);
  const applied = await applyMigrations(connection, failed);
  // Where the tables came from a dump, the numbers in them may be those of a server that had seen more transactions.
  await query('SELECT continue_change_history()');
  return applied;
}
