import DataLoader from 'dataloader';
import type { PrismaClient } from '../database/generated/client/client.ts';
import { countFiltered, countRanges, type Range, type RangeKey } from '../database/ranges.ts';
import type { Where } from '../domain/lists/where.ts';

/** A loader of the number of rows that hang on a key; zero where the database has none. */
function countByKey(
  prisma: PrismaClient,
  range: Range,
  where: Where | undefined,
): DataLoader<RangeKey, number> {
  return new DataLoader(async (keys) => {
    const counts = where
      ? await countFiltered(prisma, range, keys, where)
      : await countRanges(prisma, range, keys);
    return keys.map((key) => counts.get(key) ?? 0);
  });
}

/** Texts that are the same for the same condition. */
function nameOf(range: Range, where: Where | undefined): string {
  return JSON.stringify([range, where], (_key, value: unknown) =>
    typeof value === 'bigint' ? `${value}n` : value,
  );
}

/**
 * What Prisma cannot fold into the parents' statement, gathered over all parents of a request and read at once.
 * @param prisma the database.
 */
export function createLoaders(prisma: PrismaClient) {
  const counts = new Map<string, DataLoader<RangeKey, number>>();
  return {
    /** How many rows hang on a key, of those that fulfil a condition. */
    count(range: Range, where?: Where): DataLoader<RangeKey, number> {
      const name = nameOf(range, where);
      let loader = counts.get(name);
      if (!loader) counts.set(name, (loader = countByKey(prisma, range, where)));
      return loader;
    },
  };
}

export type Loaders = ReturnType<typeof createLoaders>;
