import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from 'pino';
import type { Database } from '../database/database.ts';
import { noteRollUps } from '../database/rollups.ts';
import { COUNTED_NOTES, readRollUpState, refreshRollUps } from '../database/rollups-refresh.ts';
import type { Metrics } from '../metrics/metrics.ts';

/** Milliseconds between two looks at whether there is something to do, and before another try where one has failed. */
const LOOK_MS = 1000;
const RETRY_MS = 5000;

/** The part of time that is spent on keeping up with who writes, at most; on what has piled up, half of it. */
const SHARE = 0.1;

/**
 * Keeps the roll-ups of the workload, in turns with other copies of the gateway, and has them read where they are worth it,
 * until the function it returns is called. That waits for what is under way, which ends when the database is closed.
 */
export function keepRollUps(
  { prisma }: Database,
  log: Logger,
  metrics: Pick<Metrics, 'rollUpNotesCounted' | 'rollUpsMade'>,
): () => Promise<void> {
  const stop = new AbortController();
  const { signal } = stop;

  /** @returns how many milliseconds to wait before the next look. */
  const look = async (): Promise<number> => {
    const { timeZone, notes, readOnly } = await readRollUpState(prisma);
    metrics.rollUpNotesCounted(notes);
    const hasPiledUp = notes >= COUNTED_NOTES;
    noteRollUps(prisma, hasPiledUp ? undefined : timeZone);
    if (notes === 0 || readOnly) return LOOK_MS;
    const started = performance.now();
    const rows = await refreshRollUps(prisma);
    metrics.rollUpsMade(rows);
    const took = performance.now() - started;
    log.debug({ rows, ms: Math.round(took) }, 'workload rolled up');
    return hasPiledUp ? took : Math.max(LOOK_MS, took / SHARE);
  };

  const keeping = (async () => {
    while (!signal.aborted) {
      const wait = await look().catch((error: unknown) => {
        if (!signal.aborted) log.warn({ err: error }, 'workload not rolled up; trying again');
        return RETRY_MS;
      });
      await sleep(wait, undefined, { signal }).catch(() => {});
    }
  })();

  return async () => {
    stop.abort();
    await keeping;
  };
}
