import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import type { PGlite } from '@electric-sql/pglite';
import pg from 'pg';
import { PrismaPGlite } from 'pglite-prisma-adapter';
import pino from 'pino';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readConfig } from '../src/config/config.ts';
import {
  migrateDatabase,
  openDatabase,
  pendingMigrations,
  type Database,
} from '../src/database/database.ts';
import { classifyDatabaseError } from '../src/database/errors.ts';
import { listMigrations, withSchemaEngine } from '../src/database/migrate.ts';
import { embeddedDatabase } from '../src/database/embedded.ts';
import { createTestDatabase, type TestDatabase } from './support/database.ts';
import { createBlank } from './support/embedded.ts';
import { freePort } from './support/process.ts';

let database: TestDatabase;

beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database?.close());

describe('migrations', () => {
  it('are applied once, however often they are asked for', async () => {
    expect(await migrateDatabase(database)).toEqual([]);
    const afterwards: string[] = [];
    expect(
      await database.exclusively(async (migrate) => {
        const applied = await migrate();
        afterwards.push('ran');
        return applied;
      }),
    ).toEqual([]);
    expect(afterwards).toEqual(['ran']);
    const noted = await database.prisma.$queryRaw`
      SELECT migration_name, finished_at IS NOT NULL AS finished, rolled_back_at, applied_steps_count
      FROM _prisma_migrations ORDER BY migration_name`;
    expect(noted).toEqual(
      (await listMigrations()).map((migration_name) => ({
        migration_name,
        finished: true,
        rolled_back_at: null,
        applied_steps_count: 1,
      })),
    );
  });

  it('are pending until they have ended, and while they were rolled back', async () => {
    const { prisma } = database;
    expect(await pendingMigrations(prisma)).toEqual([]);
    const [first] = await listMigrations();
    await prisma.$executeRaw`UPDATE _prisma_migrations SET finished_at = NULL WHERE migration_name = ${first}`;
    expect(await pendingMigrations(prisma)).toEqual([first]);
    await prisma.$executeRaw`UPDATE _prisma_migrations SET finished_at = now(), rolled_back_at = now() WHERE migration_name = ${first}`;
    expect(await pendingMigrations(prisma)).toEqual([first]);
    await prisma.$executeRaw`UPDATE _prisma_migrations SET rolled_back_at = NULL WHERE migration_name = ${first}`;
    expect(await pendingMigrations(prisma)).toEqual([]);
  });
});

describe('a database that cannot be migrated', () => {
  let pglite: PGlite;
  let unmigrated: Database;

  beforeAll(async () => {
    pglite = await createBlank();
    unmigrated = embeddedDatabase(pglite);
  });
  afterAll(() => unmigrated?.close());

  it("is left alone where its tables are not the gateway's", async () => {
    await pglite.exec('CREATE TABLE task (id INTEGER)');
    await expect(migrateDatabase(unmigrated)).rejects.toThrow(
      /^The database could not be migrated: The database schema is not empty/,
    );
    const { rows } = await pglite.query(
      `SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'`,
    );
    expect(rows).toEqual([{ relname: 'task' }]);
    await pglite.exec('DROP TABLE task');
  });

  it('tells which migration failed and why, has nothing of it, and takes it once the cause is gone', async () => {
    const [first] = await listMigrations();
    // In the way of the migration's last statements.
    const name = 'annotation_history_is_append_only';
    await pglite.exec(`CREATE FUNCTION ${name}() RETURNS INTEGER LANGUAGE sql AS 'SELECT 1'`);
    await expect(migrateDatabase(unmigrated)).rejects.toThrow(
      `The database could not be migrated: ${first}: function "${name}" already exists`,
    );
    const { rows } = await pglite.query(`SELECT to_regclass('campaign') AS campaign`);
    expect(rows).toEqual([{ campaign: null }]);
    expect(await pendingMigrations(unmigrated.prisma)).toEqual(await listMigrations());
    await pglite.exec(`DROP FUNCTION ${name}`);
    expect(await migrateDatabase(unmigrated)).toEqual(await listMigrations());
    expect(await pendingMigrations(unmigrated.prisma)).toEqual([]);
  });
});

/** What a database consists of, in the words of its catalog; collations, checks and triggers aside. */
const CATALOG = {
  columns: `
    SELECT table_name, column_name, is_nullable, udt_name, datetime_precision, character_maximum_length, column_default
    FROM information_schema.columns WHERE table_schema = 'public' AND table_name <> '_prisma_migrations'
    ORDER BY table_name, column_name`,
  indexes: `
    SELECT tablename, indexname, indexdef FROM pg_indexes
    WHERE schemaname = 'public' AND tablename <> '_prisma_migrations' ORDER BY indexname`,
  keys: `
    SELECT conrelid::regclass::text AS "table", conname, pg_get_constraintdef(oid) AS definition
    FROM pg_constraint
    WHERE connamespace = 'public'::regnamespace AND contype IN ('p', 'u', 'f')
      AND conrelid::regclass::text <> '_prisma_migrations'
    ORDER BY conname`,
  enums: `
    SELECT typname, enumlabel FROM pg_enum JOIN pg_type ON pg_type.oid = enumtypid ORDER BY typname, enumsortorder`,
};

it('has the same tables from the migrations as schema.prisma describes', async () => {
  const content = await readFile(new URL('../prisma/schema.prisma', import.meta.url), 'utf8');
  const pglite = await createBlank();
  try {
    // On the embedded database: the engine prints what it would do, and needs some database to be one of its kind.
    const { stdout } = await withSchemaEngine(new PrismaPGlite(pglite), (engine) =>
      engine.diff({
        from: { tag: 'empty' },
        to: { tag: 'schemaDatamodel', files: [{ path: 'schema.prisma', content }] },
        script: true,
        exitCode: null,
        filters: { externalTables: [], externalEnums: [] },
      }),
    );
    expect(stdout).toContain('CREATE TABLE "annotation_history"');
    await pglite.exec(stdout!);
    for (const [what, query] of Object.entries(CATALOG)) {
      const { rows: described } = await pglite.query(query);
      const migrated = await database.prisma.$queryRawUnsafe<unknown[]>(query);
      expect(described.length, what).toBeGreaterThan(0);
      expect(withoutCollations(migrated), what).toEqual(withoutCollations(described));
    }
  } finally {
    await pglite.close();
  }
});

function withoutCollations(rows: unknown[]): unknown[] {
  return JSON.parse(
    JSON.stringify(rows).replaceAll(/ COLLATE (?:\\")?\w+(?:\\")?/g, ''),
  ) as unknown[];
}

async function thrownBy(work: () => Promise<unknown>): Promise<unknown> {
  try {
    await work();
  } catch (error) {
    return error;
  }
  throw new Error('Nothing was thrown.');
}

describe('classifyDatabaseError', () => {
  const CAMPAIGN = { id: 'c-1', projectId: 1n, name: 'One', campaignType: 'POC' } as const;

  it('takes for no fault of the database what the database refuses', async () => {
    const { prisma } = database;
    await prisma.campaign.create({ data: CAMPAIGN });
    for (const work of [
      () => prisma.campaign.create({ data: CAMPAIGN }),
      () => prisma.campaign.create({ data: { ...CAMPAIGN, id: '', name: 'Two', projectId: 2n } }),
      () => prisma.campaign.findFirstOrThrow({ where: { id: 'none' } }),
      () => prisma.pool.create({ data: { id: 1n, campaignId: 'none', name: 'x', poolType: 0 } }),
      () => prisma.$queryRaw`SELECT 1 / 0`,
      () => prisma.$queryRaw`SELECT * FROM no_such_table`,
      () => Promise.reject(new TypeError('x is not a function')),
    ]) {
      expect(classifyDatabaseError(await thrownBy(work))).toBe('other');
    }
    expect(classifyDatabaseError(undefined)).toBe('other');
    expect(classifyDatabaseError('timeout')).toBe('other');
  });

  it('recognizes a server that is not there, however it is asked', async () => {
    const url = `postgresql://nobody@127.0.0.1:${await freePort()}/none`;
    const { database: config } = readConfig({ DATABASE_URL: url });
    const absent = await openDatabase(config, pino({ level: 'silent' }));
    try {
      for (const work of [
        () => absent.prisma.campaign.findFirst(),
        () => absent.prisma.$queryRaw`SELECT 1`,
        () => absent.prisma.$transaction(async (tx) => tx.campaign.findFirst()),
        () => migrateDatabase(absent),
        () => pendingMigrations(absent.prisma),
        () => new pg.Client(url).connect(),
      ]) {
        expect(classifyDatabaseError(await thrownBy(work))).toBe('unavailable');
      }
    } finally {
      await absent.close();
    }
  });

  it('recognizes a server that accepts connections and says nothing', async () => {
    const silent = createServer().listen(0, '127.0.0.1');
    await once(silent, 'listening');
    const { port } = silent.address() as AddressInfo;
    const url = `postgresql://nobody@127.0.0.1:${port}/none`;
    const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 50 });
    try {
      expect(classifyDatabaseError(await thrownBy(() => client.connect()))).toBe('unavailable');
    } finally {
      silent.close();
    }
  });

  it.each([
    ['unavailable', '57P01'],
    ['unavailable', '57P03'],
    ['unavailable', '57P05'],
    ['unavailable', '53300'],
    ['unavailable', '08006'],
    ['timeout', '57014'],
    ['refused', '08P01'],
    ['other', '23505'],
    ['other', '42703'],
    ['unavailable', '40001'],
    ['unavailable', '40P01'],
  ])('finds %s in the code %s that the server raised, through every layer', async (fault, code) => {
    const error = await thrownBy(() =>
      database.prisma.$executeRawUnsafe(
        `DO $$ BEGIN RAISE EXCEPTION 'on purpose' USING ERRCODE = '${code}'; END $$`,
      ),
    );
    expect(classifyDatabaseError(error)).toBe(fault);
    expect(classifyDatabaseError(new Error('outer', { cause: { cause: error } }))).toBe(fault);
  });

  it('ends on an error that is its own cause', () => {
    const error = new Error('round');
    error.cause = error;
    expect(classifyDatabaseError(error)).toBe('other');
  });
});
