import type { Prisma, PrismaClient } from './generated/client/client.ts';

/** The longest a timer can be set to: a transaction ends when it is done. */
const NO_LIMIT_MS = 2_147_483_647;
/** How long to wait for a free connection. */
const MAX_WAIT_MS = 60_000;

/** Runs `work` in one transaction, however long it takes. */
export function inTransaction<T>(
  prisma: PrismaClient,
  work: (tx: Prisma.TransactionClient) => Promise<T>,
): Promise<T> {
  return prisma.$transaction(work, { timeout: NO_LIMIT_MS, maxWait: MAX_WAIT_MS });
}

/** Any number will do, as long as every copy of the gateway takes the same one. */
const LOCK = 7_067_388_200_442n;

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

/** Waits for all who write, and keeps them away until the transaction ends; so neither locks the other out. */
export async function writeAlone(tx: Transaction): Promise<void> {
  await tx.$queryRaw`SELECT pg_advisory_xact_lock(${LOCK})::text`;
}
