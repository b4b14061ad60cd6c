import DataLoader from 'dataloader';
import type { PrismaClient } from '../database/generated/client/client.ts';
import { countRanges, type Range, type RangeKey } from '../database/ranges.ts';

/** A loader of one value a key, zero where the database has none. */
function countByKey(prisma: PrismaClient, range: Range): DataLoader<RangeKey, number> {
  return new DataLoader(async (keys) => {
    const counts = await countRanges(prisma, range, keys);
    return keys.map((key) => counts.get(key) ?? 0);
  });
}

/**
 * What Prisma cannot fold into the parents' statement, gathered over all parents of a request and read at once.
 * @param prisma the database.
 */
export function createLoaders(prisma: PrismaClient) {
  const counts = new Map<Range, DataLoader<RangeKey, number>>();
  return {
    /** How many rows hang on a key. */
    count(range: Range): DataLoader<RangeKey, number> {
      let loader = counts.get(range);
      if (!loader) counts.set(range, (loader = countByKey(prisma, range)));
      return loader;
    },
  };
}

export type Loaders = ReturnType<typeof createLoaders>;
