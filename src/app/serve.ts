import { once } from 'node:events';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from 'pino';
import type { Config, TracingConfig } from '../config/config.ts';
import { version } from '../config/program.ts';
import { openDatabase, pendingMigrations, type Database } from '../database/database.ts';
import { classifyDatabaseError } from '../database/errors.ts';
import { createMetrics, type Metrics } from '../metrics/metrics.ts';
import type { Tracing } from '../tracing/tracing.ts';
import { createBanner } from './banner.ts';
import { databaseOptions } from './database-options.ts';
import { loadDemoData } from './demo.ts';
import { createGateway } from './gateway.ts';
import { listenForMetrics } from './metrics.ts';
import { keepRollUps } from './rollups.ts';
import { createHttpServer } from './server.ts';

/** Milliseconds between two attempts to reach a database that is not there at the start. */
const RETRY_MS = 2000;

/**
 * Migrates and fills the database as configured; waits for one that is not there yet.
 * @returns the migrations that are missing, since somebody else is to apply them.
 */
async function prepare(
  database: Database,
  config: Config,
  log: Logger,
  signal: AbortSignal,
): Promise<string[]> {
  const work = async (migrate: () => Promise<string[]>): Promise<string[]> => {
    const applied = config.migrate ? await migrate() : [];
    if (applied.length > 0) log.info({ migrations: applied }, 'database migrated');
    const missing = await pendingMigrations(database.prisma);
    const summary = config.demo && missing.length === 0 ? await loadDemoData(database) : null;
    if (summary) log.info({ rows: summary.lines }, 'demo data loaded');
    return missing;
  };
  for (;;) {
    signal.throwIfAborted();
    try {
      return await database.exclusively(work, signal);
    } catch (error) {
      if (classifyDatabaseError(error) !== 'unavailable') throw error;
      log.warn({ err: error }, 'the database cannot be reached; trying again');
      await sleep(RETRY_MS, undefined, { signal });
    }
  }
}

/** Stops accepting, lets requests under way finish within bounds, then ends every connection. */
async function stopServer(server: Server, timeoutMs: number): Promise<void> {
  const closed = once(server, 'close');
  server.close();
  // A kept-alive connection is busy until its answer is out, and idle from then on.
  const sweep = setInterval(() => server.closeIdleConnections(), 50);
  const deadline = setTimeout(() => server.closeAllConnections(), timeoutMs);
  await closed;
  clearInterval(sweep);
  clearTimeout(deadline);
}

/**
 * Runs the gateway until `signal` aborts. It listens at once and answers 503 until the database is ready.
 * @throws DirectoryInUseError, MigrationError, or what listening failed with.
 */
export async function serve(config: Config, log: Logger, signal: AbortSignal): Promise<void> {
  const metrics = createMetrics(version);
  const stopTelling = config.metrics && (await listenForMetrics(config.metrics, metrics, log));
  try {
    await run(config, log, metrics, signal);
  } finally {
    stopTelling?.();
  }
}

async function startTracing(config: TracingConfig, log: Logger): Promise<Tracing> {
  // Loaded only where it is used: it would take time and memory of everybody.
  const { createTracing } = await import('../tracing/tracing.ts');
  const { sampler, ratio } = config;
  log.info({ collector: new URL(config.url).origin, sampler, ratio }, 'traces');
  return createTracing(config, version, log);
}

async function run(
  config: Config,
  log: Logger,
  metrics: Metrics,
  signal: AbortSignal,
): Promise<void> {
  const tracing = config.tracing && (await startTracing(config.tracing, log));
  let ready: Database | undefined;
  const gateway = createGateway({
    config,
    log,
    metrics,
    tracing,
    database: () => ready,
    stopping: signal,
  });
  const server = createHttpServer(config, gateway, log, metrics);
  server.listen(config.port, config.host);
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  log.info({ host: config.host, port }, 'listening; the database is being prepared');
  if (!config.auth) {
    log.warn('GATEWAY_AUTH is off: every program on this machine may ask for everything');
  }

  let database: Database | undefined;
  let stopRollUps: (() => Promise<void>) | undefined;
  try {
    database = await openDatabase(config.database, log, databaseOptions(config, log, metrics));
    const missing = await prepare(database, config, log, signal);
    signal.throwIfAborted();
    ready = database;
    if (missing.length > 0) {
      log.warn(
        { migrations: missing },
        'not ready: migrations are missing, GATEWAY_MIGRATE is off',
      );
    } else {
      stopRollUps = keepRollUps(database, log, metrics);
      const { graphiql, requests } = await createBanner(database, config, port);
      log.info(
        { database: config.database.kind, graphiql, requests },
        graphiql ? `ready: GraphiQL at ${graphiql}` : 'ready',
      );
    }
    if (!signal.aborted) await once(signal, 'abort');
  } catch (error) {
    if (!signal.aborted) throw error;
  } finally {
    log.info('stopping');
    gateway.stop();
    await stopServer(server, config.shutdownTimeoutMs);
    await Promise.all([stopRollUps?.(), database?.close(), tracing?.stop()]);
    log.info('stopped');
  }
}
