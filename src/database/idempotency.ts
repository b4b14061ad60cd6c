import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from 'pino';
import type { Claim, ClaimKey, Run } from '../domain/idempotency.ts';
import type { PrismaClient } from './generated/client/client.ts';
import { onNobodysBehalf } from './request.ts';

const DAY_MS = 86_400_000;
/** How long a run keeps its key without a word from it: after that it is taken for dead. */
const LEASE_MS = 60_000;

export interface KeyTimes {
  /** Milliseconds for which the key of a run is put off, again and again, while the run is under way. */
  leaseMs?: number;
  /** Milliseconds for which an answer is kept. */
  keptMs?: number;
}

/** More than this would mean that the row comes and goes whenever somebody looks. */
const MAX_ATTEMPTS = 10;

/** Milliseconds between two attempts to say that a run has ended. */
const RETRY_MS = 500;

/** Tries again what has failed, until it is too late to matter; nobody waits for it. */
async function insist(statement: () => Promise<unknown>, untilMs: number): Promise<void> {
  while (performance.now() < untilMs) {
    await sleep(RETRY_MS, undefined, { ref: false });
    try {
      await onNobodysBehalf(async () => statement());
      return;
    } catch {
      // What it failed with the first time is in the log.
    }
  }
}

/** Removes what has expired, but for what somebody else is removing. */
async function removeExpired(prisma: PrismaClient): Promise<void> {
  await prisma.$executeRaw`
    DELETE FROM idempotency_key WHERE (viewer, key) IN (
      SELECT viewer, key FROM idempotency_key WHERE expires_at <= now() FOR UPDATE SKIP LOCKED)`;
}

function startRun(
  prisma: PrismaClient,
  log: Logger,
  viewer: string,
  key: string,
  runId: string,
  { leaseMs = LEASE_MS, keptMs = DAY_MS }: KeyTimes,
): Run {
  const renew = async () => {
    await prisma.$executeRaw`
      UPDATE idempotency_key SET expires_at = now() + ${leaseMs}::int * interval '1 ms'
      WHERE viewer = ${viewer} AND key = ${key} AND run_id = ${runId} AND answer IS NULL`;
  };
  // A database that cannot be reached for a moment leaves time for another attempt.
  const timer = setInterval(() => {
    onNobodysBehalf(renew).catch((error: unknown) =>
      log.warn({ err: error }, 'idempotency key not renewed'),
    );
  }, leaseMs / 4);
  timer.unref();
  /**
   * The end of the run is told to its sender in any case, and the key's whatever has ended the request. Where the database was
   * lost just then, it is told to that later.
   */
  const end = async (what: string, statement: () => Promise<number>) => {
    clearInterval(timer);
    try {
      if ((await onNobodysBehalf(async () => statement())) === 0)
        log.warn({ what }, 'idempotency key lost to another run');
    } catch (error) {
      log.warn({ what, err: error }, 'idempotency key not ended');
      void insist(statement, performance.now() + leaseMs);
    }
  };
  return {
    state: 'new',
    keep: ({ fingerprint, answer }) =>
      end(
        'keep',
        () => prisma.$executeRaw`
        UPDATE idempotency_key SET fingerprint = ${fingerprint}, answer = ${answer},
          expires_at = now() + ${keptMs}::int * interval '1 ms'
        WHERE viewer = ${viewer} AND key = ${key} AND run_id = ${runId}`,
      ),
    release: () =>
      end(
        'release',
        () => prisma.$executeRaw`
        DELETE FROM idempotency_key WHERE viewer = ${viewer} AND key = ${key} AND run_id = ${runId}`,
      ),
  };
}

/** Keys in the database, for all copies of the gateway. Time is the database's, whatever the clocks of the copies say. */
export function idempotencyKeys(prisma: PrismaClient, log: Logger, times: KeyTimes = {}): ClaimKey {
  return async (viewer, key, purpose): Promise<Claim> => {
    const { leaseMs = LEASE_MS } = times;
    const runId = randomUUID();
    for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
      await removeExpired(prisma);
      const inserted = await prisma.$executeRaw`
        INSERT INTO idempotency_key (viewer, key, purpose, run_id, expires_at)
        VALUES (${viewer}, ${key}, ${purpose}, ${runId}, now() + ${leaseMs}::int * interval '1 ms')
        ON CONFLICT (viewer, key) DO NOTHING`.catch((error: unknown) => {
        // A connection that is lost at this moment does not say whether the key was taken.
        const free = () => prisma.$executeRaw`DELETE FROM idempotency_key
          WHERE viewer = ${viewer} AND key = ${key} AND run_id = ${runId}`;
        void insist(free, performance.now() + leaseMs);
        throw error;
      });
      if (inserted === 1) return startRun(prisma, log, viewer, key, runId, times);
      const found = await prisma.idempotencyKey.findUnique({
        where: { viewer_key: { viewer, key } },
      });
      if (!found) continue;
      if (found.answer === null) return { state: 'running' };
      const { fingerprint, answer } = found;
      return { state: 'done', purpose: found.purpose, fingerprint: fingerprint!, answer };
    }
    return { state: 'running' };
  };
}
