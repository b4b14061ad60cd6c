import DataLoader from 'dataloader';
import { groupRanges } from '../database/aggregates.ts';
import { tasksAsOf } from '../database/as-of.ts';
import type { PrismaClient } from '../database/generated/client/client.ts';
import { operationsOfRanges } from '../database/operations.ts';
import type { RangeKey, WorkRange } from '../database/ranges.ts';
import type { StatusDelivery, StatusOperation } from '../domain/delivery.ts';
import { progressOf, type Progress } from '../domain/progress.ts';

const ALL_TASKS = { model: 'Task', where: undefined } as const;

/** A loader of how far the tasks of each row are. */
export function progressByKey(
  prisma: PrismaClient,
  range: WorkRange,
): DataLoader<RangeKey, Progress> {
  const nothing = { summed: [], compared: [] };
  const by = [{ column: 'status' }, { column: 'poolType', through: 'pool' }];
  return new DataLoader(async (parents) => {
    const found = await groupRanges(prisma, range, parents, ALL_TASKS, nothing, { by });
    return parents.map((parent) =>
      progressOf(
        found.get(parent)!.map(({ values: [status, poolType], count }) => ({
          status: status as number,
          poolType: poolType as number,
          count,
        })),
      ),
    );
  });
}

/** A loader of what the tasks of each row hold, by status. */
export function deliveryByKey(
  prisma: PrismaClient,
  range: WorkRange,
): DataLoader<RangeKey, StatusDelivery[]> {
  const counts = { summed: ['instanceNum', 'attributeNum', 'frameNum'], compared: [] };
  const by = [{ column: 'status' }];
  return new DataLoader(async (parents) => {
    const found = await groupRanges(prisma, range, parents, ALL_TASKS, counts, { by });
    return parents.map((parent) =>
      found.get(parent)!.map(({ values: [status], count, sum }) => ({
        status: status as number,
        tasks: count,
        instances: sum.instanceNum!,
        attributes: sum.attributeNum!,
        frames: sum.frameNum!,
      })),
    );
  });
}

/** A loader of the instances that the tasks of each row have under each operation key, by status. */
export function operationsByKey(
  prisma: PrismaClient,
  range: WorkRange,
): DataLoader<RangeKey, StatusOperation[]> {
  return new DataLoader(async (parents) => {
    const found = await operationsOfRanges(prisma, range, parents);
    return parents.map((parent) => found.get(parent)!);
  });
}

/** How far tasks were at an instant, and what they held. */
export interface PastWork {
  readonly progress: Progress;
  readonly byStatus: readonly StatusDelivery[];
}

/** A loader of both for the tasks that each row had at an instant. */
export function workAsOfByKey(
  prisma: PrismaClient,
  range: WorkRange,
  asOf: Date,
): DataLoader<RangeKey, PastWork> {
  return new DataLoader(async (parents) => {
    const found = await tasksAsOf(prisma, range, parents, asOf);
    return parents.map((parent) => {
      const byStatus = found.get(parent)!;
      const counts = byStatus.map(({ tasks, ...codes }) => ({ ...codes, count: tasks }));
      return { progress: progressOf(counts), byStatus };
    });
  });
}
