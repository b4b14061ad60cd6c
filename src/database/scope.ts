import type { TimeRange } from '../domain/time.ts';
import { Prisma } from './generated/client/client.ts';
import type { RangeKey } from './ranges.ts';

/** Whose history is measured: that of the tasks of a campaign, of a request, or of those that have been in a pool. */
export type ScopeKind = 'Campaign' | 'AnnotationRequest' | 'Pool';

/** The column by which records know their scope, and its type; tasks know campaigns and requests by the same. */
export const SCOPE_COLUMNS = {
  Campaign: ['campaign_id', 'text'],
  AnnotationRequest: ['annotation_request_id', 'text'],
  Pool: ['pool_id', 'bigint'],
} as const satisfies Record<ScopeKind, readonly [string, string]>;

/** What happened in the scopes of a kind in a time range. */
export interface History {
  readonly scope: ScopeKind;
  readonly timeRange: TimeRange;
}

/** The records of a task of a scope in the order in which they happened: a window. */
export const IN_TASK = Prisma.sql`(PARTITION BY parent, task_id ORDER BY created_time, id)`;

/**
 * A statement that gives every record of the tasks of some scopes, with its scope's key as `parent`. A task that has been
 * in several pools is in the scope of each.
 */
export function recordsOfScopes(kind: ScopeKind, parents: readonly RangeKey[]): Prisma.Sql {
  const [column, type] = SCOPE_COLUMNS[kind].map((name) => Prisma.raw(name));
  const keys = Prisma.sql`ANY (${parents}::${type}[])`;
  if (kind !== 'Pool') {
    return Prisma.sql`SELECT record.${column} AS parent, record.* FROM annotation_history AS record
      WHERE record.${column} = ${keys}`;
  }
  // OFFSET makes PostgreSQL look up each task's records by their index: it cannot foresee how few tasks those of one pool
  // are, and would read the whole history.
  return Prisma.sql`SELECT visited.parent, record.* FROM (
      SELECT DISTINCT pool_id AS parent, task_id FROM annotation_history WHERE pool_id = ${keys}) AS visited
    CROSS JOIN LATERAL (
      SELECT * FROM annotation_history AS record WHERE record.task_id = visited.task_id OFFSET 0) AS record`;
}
