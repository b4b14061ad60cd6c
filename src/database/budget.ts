import type { Logger } from 'pino';
import {
  FILL_MS,
  leaseFrom,
  LONGEST_MS,
  msOf,
  type Lease,
  type Wish,
} from '../domain/budget/bucket.ts';
import { leasesInMemory, type LeasePoints } from '../domain/budget/leases.ts';
import type { PrismaClient } from './generated/client/client.ts';
import type { Database } from './database.ts';
import { isReadOnlyServer } from './errors.ts';
import { onNobodysBehalf } from './request.ts';

/** Milliseconds between two removals of budgets that are full again. */
const SWEEP_MS = 60_000;

/**
 * Takes points of a budget that all copies of the gateway share: {@link leaseFrom} in one statement, by the database's clock.
 * A budget that nobody knows is full. Whoever changes a row of the table at the same time is waited for, so that none of
 * them takes what another has taken.
 */
export async function leasePoints(
  prisma: Pick<PrismaClient, '$queryRaw'>,
  name: string,
  wish: Wish,
): Promise<Lease> {
  const { perMinute, needed, block, onCredit } = wish;
  const first = leaseFrom(0, wish);
  const [row] = await prisma.$queryRaw<Lease[]>`
    INSERT INTO caller_budget AS budget (name, full_at, leased)
    VALUES (${name}, now() + ${first.fullInMs}::float8 * interval '1 ms', ${first.granted}::float8)
    ON CONFLICT (name) DO UPDATE SET (full_at, leased) = (
      SELECT least(
          greatest(budget.full_at, now()) + granted * ${msOf(1, perMinute)}::float8 * interval '1 ms',
          now() + ${LONGEST_MS}::float8 * interval '1 ms'),
        granted
      FROM (
        SELECT CASE WHEN ${onCredit} OR points >= ${Math.min(needed, perMinute)}::float8
          THEN greatest(${needed}::float8, least(${block}::float8, points)) ELSE 0 END AS granted
        FROM (
          SELECT floor(${perMinute}::float8 * (1 - ms / ${FILL_MS}::float8) + 1e-6) AS points
          FROM (SELECT greatest(0, extract(epoch FROM budget.full_at - now())::float8 * 1000) AS ms) AS missing
        ) AS there
      ) AS lease)
    RETURNING leased AS granted, extract(epoch FROM full_at - now())::float8 * 1000 AS "fullInMs"`;
  return row!;
}

/** Forgets the budgets that are full, but for those that somebody is taking from. */
async function removeFull(prisma: PrismaClient): Promise<void> {
  await prisma.$executeRaw`
    DELETE FROM caller_budget WHERE name IN (
      SELECT name FROM caller_budget WHERE full_at <= now() FOR UPDATE SKIP LOCKED)`;
}

/**
 * Budgets in the database, for all copies of the gateway. Where that takes no writes, since it stands by for another, each
 * copy counts by itself.
 */
function sharedLeases(prisma: PrismaClient, log: Logger): LeasePoints {
  const own = leasesInMemory();
  let isAlone = false;
  let sweptAt = performance.now();
  const sweep = () => {
    if (performance.now() - sweptAt < SWEEP_MS) return;
    sweptAt = performance.now();
    removeFull(prisma).catch((error: unknown) => log.warn({ err: error }, 'budgets not removed'));
  };
  const lease: LeasePoints = async (name, wish) => {
    try {
      const found = await leasePoints(prisma, name, wish);
      isAlone = false;
      sweep();
      return found;
    } catch (error) {
      if (!isReadOnlyServer(error)) throw error;
      if (!isAlone) log.warn({ err: error }, 'budgets are counted by this copy alone');
      isAlone = true;
      return own(name, wish);
    }
  };
  // Whoever waits for points shares the asking, and may be gone before its end.
  return (...asked) => onNobodysBehalf(() => lease(...asked));
}

/** The budgets of callers: in the database, unless this process is the only one that has it open. */
export function leasesOf({ kind, prisma }: Database, log: Logger): LeasePoints {
  return kind === 'postgresql' ? sharedLeases(prisma, log) : leasesInMemory();
}
