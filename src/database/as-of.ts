import { Prisma, type PrismaClient } from './generated/client/client.ts';
import { RANGES, tasksOfParent, type RangeKey, type WorkRange } from './ranges.ts';
import { tellingNoWork } from './small-groups.ts';

/** What the tasks of one status in pools of one type held at an instant. */
export interface PastTasks {
  readonly status: number;
  readonly poolType: number;
  readonly tasks: number;
  readonly instances: bigint;
  readonly attributes: bigint;
  readonly frames: bigint;
}

/**
 * Tasks as they stood at an instant, each by its last record up to then, by status and type of pool; in one statement
 * for all parents. A task without such a record did not exist yet.
 */
export async function tasksAsOf(
  prisma: PrismaClient,
  range: WorkRange,
  parents: readonly RangeKey[],
  asOf: Date,
): Promise<Map<RangeKey, PastTasks[]>> {
  // A pool has those of its tasks that have not moved on.
  const condition =
    range === 'tasksOfPool' ? Prisma.sql`last.pool_id = parent.key` : Prisma.sql`true`;
  const rows = await tellingNoWork(prisma).$queryRaw<(PastTasks & { parent: RangeKey })[]>`
    SELECT parent.key AS parent, found.*
    FROM unnest(${parents}::${Prisma.raw(RANGES[range].keyType)}[]) AS parent (key)
    CROSS JOIN LATERAL (
      SELECT last.status, pool.pool_type AS "poolType", count(*)::int AS tasks,
        sum(last.instance_sum)::bigint AS instances, sum(last.attributes_sum)::bigint AS attributes,
        sum(last.frame_count)::bigint AS frames
      FROM (${tasksOfParent(range, asOf)}) AS task
      CROSS JOIN LATERAL (
        SELECT * FROM annotation_history WHERE task_id = task.id AND created_time <= ${asOf}
        ORDER BY created_time DESC, id DESC LIMIT 1) AS last
      JOIN pool ON pool.id = last.pool_id
      WHERE ${condition}
      GROUP BY last.status, pool.pool_type) AS found`;
  const found = new Map<RangeKey, PastTasks[]>(parents.map((parent) => [parent, []]));
  for (const { parent, ...row } of rows) found.get(parent)!.push(row);
  return found;
}
