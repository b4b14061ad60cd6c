import { setTimeout as sleep } from 'node:timers/promises';
import { classifyDatabaseError, isStatementTooSlow } from '../database/errors.ts';

/** Milliseconds between two attempts. */
const RETRY_MS = 500;

/** How often the server may give a statement up before it is taken for one that always takes too long. */
const MAX_TOO_SLOW = 3;

/**
 * Does what needs the database, again and again for as long as that cannot be reached or gives no answer; once at least,
 * whatever the signal says.
 * @param maxTooSlow how often the server may give it up for taking too long.
 * @throws what the work throws for another reason, or the signal's reason once it has aborted.
 */
export async function patiently<T>(
  work: () => Promise<T>,
  signal: AbortSignal,
  maxTooSlow = MAX_TOO_SLOW,
): Promise<T> {
  for (let tooSlow = 0; ;) {
    try {
      return await work();
    } catch (error) {
      const fault = classifyDatabaseError(error);
      if (fault !== 'unavailable' && fault !== 'timeout') throw error;
      if (isStatementTooSlow(error) && ++tooSlow === maxTooSlow) throw error;
    }
    await sleep(RETRY_MS, undefined, { signal }).catch(() => signal.throwIfAborted());
  }
}
