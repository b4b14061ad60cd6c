import { Prisma, type PrismaClient } from './generated/client/client.ts';
import { firstDaySince, ROLL_UP, ROLL_UP_ZONE, rolledUp } from './rollups.ts';
import { inTransaction } from './writing.ts';

/** What is to be done about roll-ups. */
export interface RollUpState {
  readonly timeZone: string;
  /** How many notes there are that something differs, as far as they were counted. */
  readonly notes: number;
  /** Whether nothing can be written: the server is a standby, perhaps. */
  readonly readOnly: boolean;
}

/** How many notes are counted. */
export const COUNTED_NOTES = 1000;

export async function readRollUpState(prisma: PrismaClient): Promise<RollUpState> {
  const [state] = await prisma.$queryRaw<
    { time_zone: string; notes: bigint; read_only: boolean }[]
  >`SELECT ${ROLL_UP_ZONE} AS time_zone, current_setting('transaction_read_only') = 'on' AS read_only,
      (SELECT count(*) FROM (SELECT FROM workload_stale LIMIT ${COUNTED_NOTES}::int) AS notes) AS notes`;
  const { time_zone, notes, read_only } = state!;
  return { timeZone: time_zone, notes: Number(notes), readOnly: read_only };
}

/**
 * Runs `work` in one snapshot, beside which nobody else writes roll-ups. The lock is taken before anything is read: what it
 * was waited for is seen.
 */
function keepingRollUps<T>(
  prisma: PrismaClient,
  work: (tx: Prisma.TransactionClient) => Promise<T>,
): Promise<T> {
  const keep = async (tx: Prisma.TransactionClient) => {
    await tx.$executeRaw`LOCK TABLE workload_zone IN SHARE ROW EXCLUSIVE MODE`;
    return work(tx);
  };
  return inTransaction(prisma, keep, 'RepeatableRead');
}

/** How many requests are rolled up anew in one transaction. */
const REQUESTS_AT_ONCE = 20;

/**
 * Rolls up anew what some requests have from the days on that notes are about, and removes those notes; what is noted
 * meanwhile stays.
 * @returns how many rows were made.
 */
export function refreshRollUps(prisma: PrismaClient): Promise<number> {
  return keepingRollUps(prisma, async (tx) => {
    const [zone] = await tx.$queryRaw<{ time_zone: string }[]>`SELECT ${ROLL_UP_ZONE} AS time_zone`;
    const timeZone = zone!.time_zone;
    // In no order: requests that are written to all the time do not keep others waiting.
    const stale = await tx.$queryRaw<{ id: string; from_day: string }[]>`
      SELECT annotation_request_id AS id, min(${firstDaySince(Prisma.raw('since'), timeZone)})::text AS from_day
      FROM workload_stale GROUP BY annotation_request_id ORDER BY random() LIMIT ${REQUESTS_AT_ONCE}::int`;
    const ids = stale.map(({ id }) => id);
    const days = stale.map(({ from_day }) => from_day);
    const table = Prisma.sql`(annotation_request_id, from_day) AS (
      SELECT * FROM unnest(${ids}::text[], ${days}::text[]::date[]))`;
    await tx.$executeRaw`WITH stale ${table} DELETE FROM workload_day USING stale
      WHERE workload_day.annotation_request_id = stale.annotation_request_id AND day >= from_day`;
    await tx.$executeRaw`DELETE FROM workload_stale WHERE annotation_request_id = ANY (${ids}::text[])`;
    return tx.$executeRaw`WITH stale ${table} INSERT INTO workload_day (${ROLL_UP}) ${rolledUp('stale', timeZone)}`;
  });
}

/**
 * Throws all roll-ups away, and notes that everything is to be rolled up by the days of a zone.
 * @throws what the database says of a zone that it does not know.
 */
export function restartRollUps(prisma: PrismaClient, timeZone: string): Promise<void> {
  return keepingRollUps(prisma, async (tx) => {
    await tx.$queryRaw`SELECT now() AT TIME ZONE ${timeZone}`;
    await tx.$executeRaw`DELETE FROM workload_zone`;
    await tx.$executeRaw`INSERT INTO workload_zone (time_zone) VALUES (${timeZone})`;
    // Not by TRUNCATE, which would take them from under those who are reading.
    await tx.$executeRaw`DELETE FROM workload_day`;
    await tx.$executeRaw`INSERT INTO workload_stale (annotation_request_id, campaign_id, since)
      SELECT id, campaign_id, '-infinity' FROM annotation_request`;
  });
}

/** How many rows the roll-ups have. */
export async function countRollUps(prisma: PrismaClient): Promise<number> {
  const [found] = await prisma.$queryRaw<
    { count: bigint }[]
  >`SELECT count(*) AS count FROM workload_day`;
  return Number(found!.count);
}

/** A row that is only in the roll-ups, or that only the records come to. */
export interface RollUpDifference {
  readonly of: 'roll-ups' | 'records';
  /** The row, as JSON. */
  readonly row: string;
}

/** How many differences are told. */
const MAX_DIFFERENCES = 20;

/** Compares the roll-ups that are said to hold with the records. @returns the first of the rows that differ. */
export async function checkRollUps(prisma: PrismaClient): Promise<RollUpDifference[]> {
  const { timeZone } = await readRollUpState(prisma);
  const holding = (rows: Prisma.Sql) => Prisma.sql`SELECT ${ROLL_UP} FROM ${rows} AS days
    WHERE ${ROLL_UP_ZONE} = ${timeZone} AND NOT EXISTS (
      SELECT FROM workload_stale WHERE workload_stale.annotation_request_id = days.annotation_request_id
        AND ${firstDaySince(Prisma.raw('since'), timeZone)} <= days.day)`;
  return prisma.$queryRaw<RollUpDifference[]>`
    WITH every_request AS (SELECT id AS annotation_request_id, '-infinity'::date AS from_day FROM annotation_request),
      kept AS (${holding(Prisma.raw('workload_day'))}),
      made AS (${holding(Prisma.sql`(${rolledUp('every_request', timeZone)})`)})
    SELECT of, row_to_json(differing)::text AS row FROM (
      SELECT 'roll-ups' AS of, * FROM (SELECT * FROM kept EXCEPT ALL SELECT * FROM made) AS only_kept
      UNION ALL
      SELECT 'records', * FROM (SELECT * FROM made EXCEPT ALL SELECT * FROM kept) AS only_made) AS differing
    ORDER BY annotation_request_id, day, pool_assignee_id, of LIMIT ${MAX_DIFFERENCES}::int`;
}
