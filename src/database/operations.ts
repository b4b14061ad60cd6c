import { Prisma, type PrismaClient } from './generated/client/client.ts';
import { RANGES, type Range, type RangeKey } from './ranges.ts';
import { TABLES } from './where.ts';

/** The instances that the tasks of one status have under one operation key. */
export interface OperationRow {
  key: string;
  status: number;
  instances: bigint;
}

/**
 * Adds up the `instanceInfo` of each parent's tasks by operation key and status, in one statement; ordered by key (its
 * UTF-8 bytes) and status.
 */
export async function operationsOfRanges(
  prisma: PrismaClient,
  range: Range,
  parents: readonly RangeKey[],
): Promise<Map<RangeKey, OperationRow[]>> {
  const { model, column, keyType } = RANGES[range];
  const { table } = TABLES[model];
  const rows = await prisma.$queryRaw<(OperationRow & { parent: RangeKey })[]>`
    SELECT parent.id AS parent, found.*
    FROM unnest(${parents}::${Prisma.raw(keyType)}[]) AS parent (id)
    CROSS JOIN LATERAL (
      SELECT info.key COLLATE "C" AS key, task.status, sum(info.value::numeric)::bigint AS instances
      FROM ${Prisma.raw(table)} AS task CROSS JOIN LATERAL jsonb_each_text(task.instance_info) AS info
      WHERE task.${Prisma.raw(column)} = parent.id
      GROUP BY 1, 2) AS found
    ORDER BY found.key, found.status`;
  const found = new Map<RangeKey, OperationRow[]>(parents.map((parent) => [parent, []]));
  for (const { parent, ...row } of rows) found.get(parent)!.push(row);
  return found;
}
