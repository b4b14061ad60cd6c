import pg from 'pg';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { listMigrations } from '../../src/database/migrate.ts';
import { createEmptyDatabase, type EmptyDatabase } from '../support/empty-database.ts';
import {
  endPrograms,
  eventually,
  PATIENCE_MS,
  runProgram,
  startServer,
} from '../support/process.ts';

let database: EmptyDatabase;

beforeEach(async () => {
  database = await createEmptyDatabase();
});
afterEach(async () => {
  await endPrograms();
  await database?.close();
});

async function readiness(url: string): Promise<{ status: number; body: unknown }> {
  const response = await fetch(`${url}/readyz`);
  return { status: response.status, body: (await response.json()) as unknown };
}

function migrationRows() {
  return database.query(
    `SELECT migration_name AS name, finished_at IS NOT NULL AS finished, rolled_back_at IS NOT NULL AS "rolledBack"
     FROM _prisma_migrations ORDER BY started_at`,
  );
}

async function finishedMigrations() {
  return (await listMigrations()).map((name) => ({ name, finished: true, rolledBack: false }));
}

describe('several gateways that start at once on an empty database', () => {
  it('migrate it once, load the demo data once, and are all ready', async () => {
    const environment = { DATABASE_URL: database.url, GATEWAY_DEMO: 'on' };
    const servers = await Promise.all([1, 2, 3].map(() => startServer(environment)));
    await Promise.all(servers.map((server) => server.waitForLog('ready')));
    for (const { url } of servers) expect((await readiness(url)).status).toBe(200);
    expect(await migrationRows()).toEqual(await finishedMigrations());
    expect(await database.query('SELECT count(*)::int AS tasks FROM task')).toEqual([
      { tasks: 2000 },
    ]);
    const messages = servers.flatMap(({ logged }) => logged.map(({ msg }) => msg));
    expect(messages.filter((message) => message === 'database migrated')).toHaveLength(1);
    expect(messages.filter((message) => message === 'demo data loaded')).toHaveLength(1);
    for (const server of servers) {
      expect(await server.kill('SIGTERM')).toEqual({ code: 0, signal: null });
    }
  });
});

describe('a migration that failed half-way', () => {
  it('is done again once its cause is gone', async () => {
    // In the way of the migration's last statements.
    const name = 'annotation_history_is_append_only';
    await database.query(`CREATE FUNCTION ${name}() RETURNS INTEGER LANGUAGE sql AS 'SELECT 1'`);
    const environment = { DATABASE_URL: database.url };
    const failed = await runProgram(['serve'], { environment: { ...environment, PORT: '0' } });
    expect(failed.code).toBe(2);
    const [first] = await listMigrations();
    expect(failed.stderr).toBe(
      `rosetta-gateway: The database could not be migrated: ${first}: ` +
        `function "${name}" already exists with same argument types\n`,
    );
    expect(await migrationRows()).toEqual([{ name: first, finished: false, rolledBack: false }]);
    expect(await database.query(`SELECT to_regclass('task') AS task`)).toEqual([{ task: null }]);

    await database.query(`DROP FUNCTION ${name}`);
    const server = await startServer(environment);
    await server.waitForLog('ready');
    expect((await readiness(server.url)).status).toBe(200);
    expect(await migrationRows()).toEqual([
      { name: first, finished: false, rolledBack: true },
      ...(await finishedMigrations()),
    ]);
  });
});

describe('with GATEWAY_MIGRATE=off', () => {
  it('an empty database is not ready, and /readyz names what it lacks, until it is migrated', async () => {
    const environment = { DATABASE_URL: database.url, GATEWAY_MIGRATE: 'off' };
    const server = await startServer(environment);
    const warning = await server.waitForLog('not ready');
    const missing = await listMigrations();
    expect(warning.migrations).toEqual(missing);
    expect(await readiness(server.url)).toEqual({
      status: 503,
      body: { status: 'unavailable', reason: `migrations are missing: ${missing.join(', ')}` },
    });
    expect(await database.query(`SELECT to_regclass('task') AS task`)).toEqual([{ task: null }]);

    const { code, stdout } = await runProgram(['migrate'], {
      environment: { DATABASE_URL: database.url },
    });
    expect({ code, stdout }).toEqual({ code: 0, stdout: `Applied: ${missing.join(', ')}\n` });
    expect((await readiness(server.url)).status).toBe(200);
  });
});

it('can be stopped while another gateway migrates', async () => {
  // The lock under which gateways migrate, held as by a slow migration.
  const other = new pg.Client(database.url);
  await other.connect();
  try {
    await other.query('SELECT pg_advisory_lock(7067388200441)');
    const server = await startServer({
      DATABASE_URL: database.url,
      GATEWAY_SHUTDOWN_TIMEOUT: String(PATIENCE_MS),
    });
    await eventually(async () => {
      const waiting = await database.query(
        `SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND NOT granted`,
      );
      expect(waiting).toHaveLength(1);
    });
    expect(await readiness(server.url)).toEqual({
      status: 503,
      body: { status: 'unavailable', reason: 'starting' },
    });
    const started = performance.now();
    expect(await server.kill('SIGTERM')).toEqual({ code: 0, signal: null });
    expect(performance.now() - started).toBeLessThan(PATIENCE_MS / 2);
  } finally {
    await other.end();
  }
});
