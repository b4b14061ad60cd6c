import { LRUCache } from 'lru-cache';
import type { PrismaClient } from '../database/generated/client/client.ts';
import { onNobodysBehalf } from '../database/request.ts';
import type { AccessKey } from './keys.ts';

/** Milliseconds for which a look-up holds: so long may a key live that was revoked. */
const CACHED_MS = 2000;

/** How many look-ups are kept. Whoever asks with ids of his own invention crowds out the oldest. */
const MAX_CACHED = 10_000;

/** Finds a key by its id, dead ones too. @throws what the database fails with. */
export type FindKey = (id: string) => Promise<AccessKey | null>;

/**
 * Remembers for a moment what the database said, of ids that do not exist too.
 * @param database what to ask at the time.
 */
export function createKeyFinder(database: () => PrismaClient): FindKey {
  const known = new LRUCache<string, Promise<AccessKey | null>>({
    max: MAX_CACHED,
    ttl: CACHED_MS,
    // What is remembered of who has shown a key goes with it.
    ttlAutopurge: true,
  });
  return (id) => {
    let found = known.get(id);
    if (!found) {
      // Remembered from the moment of asking; requests that come meanwhile share the answer.
      found = onNobodysBehalf(() =>
        database().accessKey.findUnique({ where: { id } }).then(),
      ).catch((error: unknown) => {
        known.delete(id);
        throw error;
      });
      known.set(id, found);
    }
    return found;
  };
}
