import type { Config } from '../config/config.ts';
import type { Database } from '../database/database.ts';
import {
  checkRollUps,
  countRollUps,
  readRollUpState,
  refreshRollUps,
  restartRollUps,
} from '../database/rollups-refresh.ts';
import { isUnambiguousTimeZone } from '../domain/time.ts';
import { withDatabase } from './database.ts';
import { ensureMigrated } from './migrated.ts';
import { createProgress } from './progress.ts';
import { INTERRUPTED, stopSignal } from './signals.ts';

/** The exit status where the roll-ups are not what the records come to. */
const DIFFERENT = 1;

/** How long a statement may take here: it may be about all records. */
const STATEMENT_TIMEOUT_MS = 86_400_000;

function withMigrated(config: Config, run: (database: Database) => Promise<number>) {
  const database =
    config.database.kind === 'postgresql'
      ? { ...config.database, statementTimeoutMs: STATEMENT_TIMEOUT_MS }
      : config.database;
  return withDatabase({ ...config, database }, async (open) => {
    await ensureMigrated(open, config.migrate);
    return run(open);
  });
}

/**
 * Rolls the workload up anew, by the days of the configured time zone.
 * @returns the exit status: 0, or 130 if it was interrupted; then whatever is missing is read from the records, and rolled
 * up by a gateway.
 * @throws where the zone is one that the database may take for another.
 */
export function runRollUps(config: Config): Promise<number> {
  const { timeZone } = config;
  if (!isUnambiguousTimeZone(timeZone)) {
    throw new Error(
      `GATEWAY_TIME_ZONE is ${JSON.stringify(timeZone)}: roll-ups need a zone with its area, such as Asia/Shanghai, or UTC.`,
    );
  }
  const stop = stopSignal();
  return withMigrated(config, async ({ prisma }) => {
    const started = performance.now();
    const progress = createProgress('roll-ups');
    try {
      await restartRollUps(prisma, timeZone);
      let rows = 0;
      while ((await readRollUpState(prisma)).notes > 0) {
        if (stop.aborted) return INTERRUPTED;
        rows += await refreshRollUps(prisma);
        progress.show(rows, null);
      }
    } finally {
      progress.end();
    }
    const seconds = ((performance.now() - started) / 1000).toFixed(1);
    const rows = await countRollUps(prisma);
    process.stdout.write(
      `The workload is rolled up by the days of ${timeZone}: ${rows} rows, in ${seconds} s.\n`,
    );
    return 0;
  });
}

/**
 * Compares the roll-ups with the records.
 * @returns the exit status: 0, or 1 where they differ.
 */
export function runCheckRollUps(config: Config): Promise<number> {
  return withMigrated(config, async ({ prisma }) => {
    const differences = await checkRollUps(prisma);
    for (const { of, row } of differences) process.stdout.write(`only by the ${of}: ${row}\n`);
    process.stdout.write(
      differences.length > 0
        ? 'The roll-ups differ from the records: run "rosetta-gateway rollups".\n'
        : 'The roll-ups are what the records come to.\n',
    );
    return differences.length > 0 ? DIFFERENT : 0;
  });
}
