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
const received = (who: Who, history: Prisma.Sql) => Prisma.sql`(
  SELECT ${columns('rejection', OWN_COLUMNS)}, ${columns('submission', who)}
  FROM ${history} AS rejection CROSS JOIN LATERAL (
    SELECT ${columns('earlier', who)} FROM annotation_history AS earlier
    WHERE earlier.task_id = rejection.task_id AND earlier.action_type IN ${SUBMITTED}
      AND (earlier.created_time, earlier.id) < (rejection.created_time, rejection.id)
    ORDER BY earlier.created_time DESC, earlier.id DESC LIMIT 1) AS submission
  WHERE rejection.action_type IN ${SENT_BACK})`;

export type Source = 'own' | 'received';

const SOURCES: Record<Source, (who: Who, history: Prisma.Sql) => Prisma.Sql> = {
  own: (_who, history) => history,
  received,
};

/** The scope that a row of the table `t0` is counted in. */
export function parentOf(scope: ScopeKind | undefined): Prisma.Sql {
  return Prisma.raw(scope ? `t0.${SCOPE_COLUMNS[scope][0]}` : 'NULL::text');
}

/** Scopes by their keys, or the one whose key an expression gives. */
export type Parents = readonly RangeKey[] | Prisma.Sql;

/** The condition that this is one of those asked for. */
export function inScope(scope: ScopeKind | undefined, parents: Parents): Prisma.Sql {
  if (!scope) return Prisma.sql`true`;
  const [column, type] = SCOPE_COLUMNS[scope].map((name) => Prisma.raw(name));
  if (parents instanceof Prisma.Sql) return Prisma.sql`t0.${column} = ${parents}`;
  // Of a list PostgreSQL cannot foresee the length, and would plan the statement anew each time.
  return parents.length === 1
    ? Prisma.sql`t0.${column} = ${parents[0]}::${type}`
    : Prisma.sql`t0.${column} = ANY (${parents}::${type}[])`;
}

/**
 * The records of a source that are grouped.
 * @param history those that there are to group; the submission that a rejection is about may be another one.
 */
export function recordsSql(
  source: Source,
  { scope, where }: Workload,
  parents: Parents,
  who: Who,
  history = Prisma.sql`annotation_history`,
): Prisma.Sql {
  return Prisma.sql`SELECT ${columns('t0', [...OWN_COLUMNS, ...who])},
      ${parentOf(scope)} AS parent, ${Prisma.raw(String(source === 'received'))} AS received
    FROM ${SOURCES[source](who, history)} AS t0
    WHERE ${inScope(scope, parents)} AND ${whereSql('AnnotationHistory', 't0', where ?? {})}`;
}

/** The records of both sources. */
export function recordsOfBoth(
  workload: Workload,
  parents: Parents,
  who: Who,
  history?: Prisma.Sql,
): Prisma.Sql {
  return Prisma.sql`${recordsSql('own', workload, parents, who, history)}
    UNION ALL ${recordsSql('received', workload, parents, who, history)}`;
}
