import { setTimeout as sleep } from 'node:timers/promises';
import { classifyDatabaseError } from '../database/errors.ts';

/** Milliseconds between two attempts. */
const RETRY_MS = 500;

/**
 * Does what needs the database, again and again for as long as that cannot be reached or is too slow.
 * @throws what the work throws for another reason, or the signal's reason once it has aborted.
 */
export async function patiently<T>(work: () => Promise<T>, signal: AbortSignal): Promise<T> {
  for (;;) {
    signal.throwIfAborted();
    try {
      return await work();
    } catch (error) {
      const fault = classifyDatabaseError(error);
      if (fault !== 'unavailable' && fault !== 'timeout') throw error;
    }
    await sleep(RETRY_MS, undefined, { signal });
  }
}
