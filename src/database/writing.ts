import { setTimeout as sleep } from 'node:timers/promises';
import { serverErrorOf } from './errors.ts';
import type { Prisma, PrismaClient } from './generated/client/client.ts';

/** The longest a timer can be set to: a transaction ends when it is done. */
const NO_LIMIT_MS = 2_147_483_647;
/** How long to wait for a free connection. */
const MAX_WAIT_MS = 60_000;

/** Runs `work` in one transaction, however long it takes. */
export function inTransaction<T>(
  prisma: PrismaClient,
  work: (tx: Prisma.TransactionClient) => Promise<T>,
  isolationLevel?: Prisma.TransactionIsolationLevel,
): Promise<T> {
  return prisma.$transaction(work, { timeout: NO_LIMIT_MS, maxWait: MAX_WAIT_MS, isolationLevel });
}

/** Any number will do, as long as every copy of the gateway takes the same one. */
const LOCK = 7_067_388_200_442n;

/** How long a deletion waits in the queue of those who write, before it lets those go first who came after it. */
const QUEUE_MS = 2000;
const GIVE_WAY_MS = 500;
/** What the server says where a lock is not free in time, or a statement may not even take that long. */
const TOO_LATE = new Set(['55P03', '57014']);

/** A transaction that is open. */
type Transaction = Pick<Prisma.TransactionClient, '$queryRaw'>;

/** Somebody deletes a campaign just now. */
export class DeletionUnderWayError extends Error {
  override name = 'DeletionUnderWayError';
}

/**
 * Keeps deletions away until the transaction ends; others that write go on. It waits for nothing: a deletion may take
 * longer than a statement may.
 * @throws DeletionUnderWayError if one is under way, or waits to begin.
 */
export async function writeBesideOthers(tx: Transaction): Promise<void> {
  const [lock] = await tx.$queryRaw<
    { free: boolean }[]
  >`SELECT pg_try_advisory_xact_lock_shared(${LOCK}) AS free`;
  if (!lock!.free) throw new DeletionUnderWayError('A campaign is being deleted.');
}

export function isDeletionUnderWay(error: unknown): boolean {
  return (
    error instanceof DeletionUnderWayError ||
    (error instanceof Error && isDeletionUnderWay(error.cause))
  );
}

/** Keeps all who write away until the transaction ends. Fails if they have not ended in time. */
async function lockWriters(tx: Prisma.TransactionClient): Promise<void> {
  await tx.$queryRaw`SELECT set_config('lock_timeout', ${String(QUEUE_MS)}, true)`;
  await tx.$queryRaw`SELECT pg_advisory_xact_lock(${LOCK})::text`;
  await tx.$executeRaw`SET LOCAL lock_timeout TO DEFAULT`;
}

/**
 * Runs `work` in one transaction beside which nobody writes, so that neither locks the other out. Waits for those who
 * write already, however long that takes: an atomic import may take longer than a statement may.
 * @throws the signal's reason if it comes while others write.
 */
export async function inTransactionAlone<T>(
  prisma: PrismaClient,
  work: (tx: Prisma.TransactionClient) => Promise<T>,
  signal?: AbortSignal,
): Promise<T> {
  for (;;) {
    signal?.throwIfAborted();
    let isAlone = false;
    try {
      return await inTransaction(prisma, async (tx) => {
        await lockWriters(tx);
        isAlone = true;
        return work(tx);
      });
    } catch (error) {
      if (isAlone || !TOO_LATE.has(serverErrorOf(error)?.code ?? '')) throw error;
    }
    await sleep(GIVE_WAY_MS);
  }
}
