import type { WorkloadGrouping } from '../domain/workload.ts';
import { SENT_BACK, SUBMITTED } from './codes.ts';
import { Prisma } from './generated/client/client.ts';
import type { RangeKey } from './ranges.ts';
import { SCOPE_COLUMNS, type ScopeKind } from './scope.ts';
import { OPERATOR } from './small-groups.ts';
import { whereSql } from './where.ts';

/** Which records are grouped, and how. */
export interface Workload {
  /** Whose records: of campaigns, requests or pools; undefined for all. */
  readonly scope: ScopeKind | undefined;
  readonly where: object | undefined;
  readonly grouping: WorkloadGrouping;
  readonly timeZone: string;
}

/** Who did something, as groups are made and counted by it. */
export type Who = readonly string[];
export const PEOPLE: Who = ['team_id', 'pool_assignee_id', 'creator_id'];
export const COUNTED_PEOPLE: Who = [...PEOPLE, OPERATOR];

const OWN_COLUMNS = [
  'id',
  'task_id',
  'annotation_request_id',
  'campaign_id',
  'pool_id',
  'status',
  'action_type',
  'created_time',
  'instance_info',
  'instance_num',
  'instance_sum',
  'attributes_num',
  'attributes_sum',
  'frame_count',
];

const columns = (alias: string, names: readonly string[]) =>
  Prisma.raw(names.map((name) => `${alias}.${name}`).join(', '));

/** The records that send a task back, each with the people of the submission that it sends back: the task's latest earlier one. */
const received = (who: Who) => Prisma.sql`(
  SELECT ${columns('rejection', OWN_COLUMNS)}, ${columns('submission', who)}
  FROM annotation_history AS rejection CROSS JOIN LATERAL (
    SELECT ${columns('earlier', who)} FROM annotation_history AS earlier
    WHERE earlier.task_id = rejection.task_id AND earlier.action_type IN ${SUBMITTED}
      AND (earlier.created_time, earlier.id) < (rejection.created_time, rejection.id)
    ORDER BY earlier.created_time DESC, earlier.id DESC LIMIT 1) AS submission
  WHERE rejection.action_type IN ${SENT_BACK})`;

export type Source = 'own' | 'received';

const SOURCES: Record<Source, (who: Who) => Prisma.Sql> = {
  own: () => Prisma.sql`annotation_history`,
  received,
};

/** The records of a source that are grouped. */
export function recordsSql(
  source: Source,
  { scope, where }: Workload,
  parents: readonly RangeKey[],
  who: Who,
): Prisma.Sql {
  const [column, type] = scope ? SCOPE_COLUMNS[scope] : [];
  const inScope = column
    ? Prisma.sql`t0.${Prisma.raw(column)} = ANY (${parents}::${Prisma.raw(type)}[])`
    : Prisma.sql`true`;
  return Prisma.sql`SELECT ${columns('t0', [...OWN_COLUMNS, ...who])},
      ${Prisma.raw(column ? `t0.${column}` : 'NULL::text')} AS parent, ${Prisma.raw(String(source === 'received'))} AS received
    FROM ${SOURCES[source](who)} AS t0
    WHERE ${inScope} AND ${whereSql('AnnotationHistory', 't0', where ?? {})}`;
}
