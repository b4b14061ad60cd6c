import { LRUCache } from 'lru-cache';
import { leaseFrom, type Lease, type Wish } from './bucket.ts';

/** Takes points out of the budget of a caller, by the name of its viewer. @throws where that cannot be done now. */
export type LeasePoints = (name: string, wish: Wish) => Promise<Lease>;

/** How many budgets are remembered that are not full. */
const MAX_REMEMBERED = 10_000;

/**
 * Budgets that this process alone knows: it takes no more than is needed, since asking costs nothing.
 * @param now milliseconds of a clock that is never set.
 */
export function leasesInMemory(now = () => performance.now()): LeasePoints {
  const fullAt = new LRUCache<string, number>({
    max: MAX_REMEMBERED,
    ttlResolution: 0,
    perf: { now },
  });
  return (name, wish) => {
    const asked = now();
    const lease = leaseFrom((fullAt.get(name) ?? asked) - asked, { ...wish, block: 0 });
    // What is full is forgotten.
    if (lease.granted > 0) {
      fullAt.set(name, asked + lease.fullInMs, { ttl: Math.ceil(lease.fullInMs) });
    }
    return Promise.resolve(lease);
  };
}
