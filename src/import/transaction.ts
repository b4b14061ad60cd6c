import { setTimeout as sleep } from 'node:timers/promises';
import type { Database } from '../database/database.ts';
import { serverErrorOf } from '../database/errors.ts';
import { inTransaction, isDeletionUnderWay } from '../database/writing.ts';
import type { Transaction } from './sql.ts';

const MAX_ATTEMPTS = 20;
const LONGEST_PAUSE_MS = 200;

/**
 * What the server says when somebody else wrote the same rows meanwhile: unique violation, foreign key violation,
 * serialization failure, deadlock.
 */
const CONFLICTS = new Set(['23505', '23503', '40001', '40P01']);

/** Runs a transaction, and again from the start where another writer came in between. */
export async function retryConflicts<T>(run: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await run();
    } catch (error) {
      if (isDeletionUnderWay(error)) {
        attempt--;
        await sleep(LONGEST_PAUSE_MS);
        continue;
      }
      const isConflict = CONFLICTS.has(serverErrorOf(error)?.code ?? '');
      if (!isConflict || attempt === MAX_ATTEMPTS) throw error;
      // Not all at once, or they would meet again.
      await sleep(Math.random() * Math.min(LONGEST_PAUSE_MS, 5 * 2 ** attempt));
    }
  }
}

/** Runs `work` in one transaction, and again from the start where another writer came in between. */
export function inRetriedTransaction<T>(
  { prisma }: Pick<Database, 'prisma'>,
  work: (tx: Transaction) => Promise<T>,
): Promise<T> {
  return retryConflicts(() => inTransaction(prisma, work));
}
