import DataLoader from 'dataloader';
import { completionFacts } from '../database/estimate.ts';
import type { PrismaClient } from '../database/generated/client/client.ts';
import type { RangeKey, WorkRange } from '../database/ranges.ts';
import { estimateCompletion, type EstimatedCompletion } from '../domain/estimate.ts';

/** A loader of when the tasks of each row will be completed, seen from an instant, or from the last record. */
export function estimateByKey(
  prisma: PrismaClient,
  range: WorkRange,
  asOf: Date | undefined,
  timeZone: string,
): DataLoader<RangeKey, EstimatedCompletion> {
  return new DataLoader(async (parents) => {
    const found = await completionFacts(prisma, range, parents, asOf, timeZone);
    return parents.map((parent) => estimateCompletion(found.get(parent)!));
  });
}
