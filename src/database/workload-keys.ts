import type { WorkloadKey } from '../domain/workload.ts';
import { cellSql } from './evidence.ts';
import { Prisma } from './generated/client/client.ts';
import { stretchOf } from './time.ts';
import { columnOf } from './where.ts';
import type { Workload } from './workload-records.ts';

const KEY_SQL: Readonly<Record<WorkloadKey, string>> = {
  campaign: 'records.campaign_id',
  annotationRequest: 'records.annotation_request_id',
  pool: 'records.pool_id',
  poolType: 'pool.pool_type',
  teamId: 'records.team_id',
  poolAssigneeId: 'records.pool_assignee_id',
  creatorId: 'records.creator_id',
  action: 'records.action_type',
  operationKey: 'operation.key COLLATE "C"',
};

/** What records are grouped by: a column for each key, and one for the time. */
export interface KeyColumns {
  /** The scope and the keys; no two groups have all of them in common. */
  names: Prisma.Sql;
  /** The same as they are worked out from a record. */
  selected: Prisma.Sql;
  joins: Prisma.Sql;
  cell: Prisma.Sql;
}

export const name = (key: WorkloadKey) => `by_${columnOf(key)}`;
export const TIME = Prisma.raw('by_time');

export function keyColumns({ grouping: { keys, unit }, timeZone }: Workload): KeyColumns {
  const joins = [
    ...(keys.includes('poolType') ? ['JOIN pool ON pool.id = records.pool_id'] : []),
    ...(keys.includes('operationKey')
      ? ['LEFT JOIN LATERAL jsonb_each_text(records.instance_info) AS operation ON true']
      : []),
  ];
  const names = [
    Prisma.raw('parent'),
    ...keys.map((key) => Prisma.raw(name(key))),
    ...(unit ? [TIME] : []),
  ];
  const selected = [
    Prisma.raw('records.parent'),
    ...keys.map((key) => Prisma.raw(`${KEY_SQL[key]} AS ${name(key)}`)),
    ...(unit
      ? [Prisma.sql`${stretchOf(Prisma.raw('records.created_time'), unit, timeZone)} AS ${TIME}`]
      : []),
  ];
  return {
    names: Prisma.join(names),
    selected: Prisma.join(selected),
    joins: Prisma.raw(joins.join(' ')),
    cell: cellSql(names),
  };
}
