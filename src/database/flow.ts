import { MAX_ROWS } from '../domain/time.ts';
import { actions, COMPLETED, OVER, statuses } from './codes.ts';
import { cellSql, evidenceOfScopes } from './evidence.ts';
import { Prisma, type PrismaClient } from './generated/client/client.ts';
import type { RangeKey } from './ranges.ts';
import { IN_TASK, recordsOfScopes, type History } from './scope.ts';
import { OPERATOR, operatorsColumn, tellingNoWork, type Judged } from './small-groups.ts';
import { bucketSql, inTimeRange, localDay } from './time.ts';

const columns = (...names: string[]) => names.map((name) => Prisma.raw(name));
const seconds = (interval: Prisma.Sql) => Prisma.sql`extract(epoch FROM ${interval})::float8`;

/** The 50th, the 90th and the 99th in a hundred, in seconds; null of none. */
type Percentiles = readonly [number, number, number] | null;
const PERCENTILES = Prisma.sql`percentile_cont('{0.5,0.9,0.99}'::float8[])`;

export interface CycleRow {
  readonly parent: RangeKey;
  readonly count: number;
  readonly percentiles: Percentiles;
}

/** How long the tasks took that were completed for the first time in the range; a scope without any is left out. */
export function cycleTimes(
  prisma: PrismaClient,
  { scope, timeRange }: History,
  parents: readonly RangeKey[],
): Promise<CycleRow[]> {
  const [began, completed] = columns('began', 'completed');
  return tellingNoWork(prisma).$queryRaw`
    SELECT parent, count(*)::int AS count,
      ${PERCENTILES} WITHIN GROUP (ORDER BY ${seconds(Prisma.sql`${completed} - ${began}`)}) AS percentiles
    FROM (
      SELECT parent, task_id, min(created_time) AS began,
        min(created_time) FILTER (WHERE action_type IN ${COMPLETED}) AS completed
      FROM (${recordsOfScopes(scope, parents)}) AS records
      GROUP BY parent, task_id) AS tasks
    WHERE completed IS NOT NULL AND ${inTimeRange(completed!, timeRange)}
    GROUP BY parent`;
}

const STOPPING = actions('PAUSE', 'SUSPEND');
const NOT_RESUMING = actions('PAUSE', 'SUSPEND', 'ERROR', 'INVALID');
const AT_WORK = statuses('ANNOTATING', 'IN_REVIEW', 'IN_QC');

/**
 * Every visit of a task to a pool: when it began and ended, the record that ended it and the pool of that, and the time
 * worked in it; all but the begin null where nothing has ended it yet.
 */
function visits({ scope }: History, parents: readonly RangeKey[]): Prisma.Sql {
  // A visit is known by its first record: what was worked up to that of the next one, less what was up to its own, was
  // worked in it.
  return Prisma.sql`SELECT parent, task_id, pool_id, created_time AS began, lead(created_time) OVER task AS ended,
      lead(id) OVER task AS ended_by, lead(pool_id) OVER task AS next_pool_id,
      lead(worked) OVER task - worked AS working
    FROM (
      SELECT parent, task_id, id, created_time, pool_id, previous_pool_id, coalesce(
        sum(next_time - created_time) FILTER (WHERE status IN ${AT_WORK} AND NOT paused)
          OVER (task ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), interval '0') AS worked
      FROM (
        SELECT *, lag(pool_id) OVER task AS previous_pool_id, lead(created_time) OVER task AS next_time,
          coalesce(max(place) FILTER (WHERE action_type IN ${STOPPING}) OVER task, 0)
            > coalesce(max(place) FILTER (WHERE action_type NOT IN ${NOT_RESUMING}) OVER task, 0) AS paused
        FROM (
          SELECT parent, task_id, id, created_time, pool_id, status, action_type, row_number() OVER ${IN_TASK} AS place
          FROM (${recordsOfScopes(scope, parents)}) AS records) AS records
        WINDOW task AS ${IN_TASK}) AS steps
      WINDOW task AS ${IN_TASK}) AS arrivals
    WHERE pool_id IS DISTINCT FROM previous_pool_id
    WINDOW task AS ${IN_TASK}`;
}

export interface PoolTypeRow extends Judged {
  readonly parent: RangeKey;
  readonly poolType: number;
  readonly visits: number;
  readonly openVisits: number;
  readonly total: Percentiles;
  readonly working: Percentiles;
  readonly waiting: Percentiles;
}

/**
 * How many people have worked in the visits of a group that have ended: how much of those was work is how fast they are.
 * The rest of this file tells how tasks went their way, whoever has worked on them.
 */
const AT_WORK_IN_VISITS = Prisma.sql`(
  SELECT nullif(count(DISTINCT ${Prisma.raw(OPERATOR)}), 0)
  FROM unnest(array_agg(task_id) FILTER (WHERE is_closed), array_agg(began) FILTER (WHERE is_closed),
      array_agg(ended) FILTER (WHERE is_closed)) AS visit (of_task, first, next)
    JOIN annotation_history AS record ON record.task_id = of_task
      AND record.created_time >= first AND record.created_time < next
  WHERE record.status IN ${AT_WORK})`;

/** How long visits to the pools of each type took, by type; of a pool, the visits to that very one. */
export function timesInPool(
  prisma: PrismaClient,
  history: History,
  parents: readonly RangeKey[],
): Promise<PoolTypeRow[]> {
  const { scope, timeRange } = history;
  const [began, ended] = columns('began', 'ended');
  const closed = Prisma.sql`FILTER (WHERE is_closed)`;
  const total = Prisma.sql`(ended - began)`;
  const percentiles = (interval: Prisma.Sql) =>
    Prisma.sql`${PERCENTILES} WITHIN GROUP (ORDER BY ${seconds(interval)}) ${closed}`;
  return prisma.$queryRaw`
    SELECT parent, pool_type AS "poolType", (count(*) ${closed})::int AS visits,
      (count(*) FILTER (WHERE NOT is_closed))::int AS "openVisits", ${percentiles(total)} AS total,
      ${percentiles(Prisma.raw('working'))} AS working,
      ${percentiles(Prisma.sql`(${total} - working)`)} AS waiting
      ${operatorsColumn(prisma, () => AT_WORK_IN_VISITS)}
    FROM (
      SELECT visits.*, pool.pool_type, ended IS NOT NULL AS is_closed
      FROM (${visits(history, parents)}) AS visits JOIN pool ON pool.id = visits.pool_id
      WHERE CASE WHEN ended IS NULL THEN ${inTimeRange(began!, { to: timeRange.to })}
        ELSE ${inTimeRange(ended!, timeRange)} END
        ${scope === 'Pool' ? Prisma.sql`AND visits.pool_id = parent` : Prisma.empty}) AS visits
    GROUP BY parent, pool_type ORDER BY pool_type`;
}

/** The ends of visits in the range, each of them a move; of a pool, those from it and to it. */
function endedVisits(history: History, parents: readonly RangeKey[]): Prisma.Sql {
  return Prisma.sql`SELECT parent, pool_id AS from_id, next_pool_id AS to_id, ended_by AS id, ended - began AS length
    FROM (${visits(history, parents)}) AS visits
    WHERE ended IS NOT NULL AND ${inTimeRange(Prisma.raw('ended'), history.timeRange)}
      ${history.scope === 'Pool' ? Prisma.sql`AND parent IN (pool_id, next_pool_id)` : Prisma.empty}`;
}

const MOVE_CELL = cellSql(columns('parent', 'from_id', 'to_id'));

export interface MoveRow {
  readonly parent: RangeKey;
  readonly cell: string;
  readonly fromPoolId: bigint;
  readonly toPoolId: bigint;
  readonly count: number;
  readonly medianSeconds: number;
}

/** How often tasks moved from a pool to another, by their ids; of each scope one pair more than it may list. */
export function moves(
  prisma: PrismaClient,
  history: History,
  parents: readonly RangeKey[],
): Promise<MoveRow[]> {
  return tellingNoWork(prisma).$queryRaw`
    SELECT parent, ${MOVE_CELL} AS cell, from_id AS "fromPoolId", to_id AS "toPoolId", count::int AS count,
      median AS "medianSeconds"
    FROM (
      SELECT *, row_number() OVER (PARTITION BY parent ORDER BY from_id, to_id) AS place
      FROM (
        SELECT parent, from_id, to_id, count(*) AS count,
          percentile_cont(0.5) WITHIN GROUP (ORDER BY ${seconds(Prisma.raw('length'))}) AS median
        FROM (${endedVisits(history, parents)}) AS moves
        GROUP BY parent, from_id, to_id) AS pairs) AS numbered
    WHERE place <= ${BigInt(MAX_ROWS + 1)} ORDER BY place`;
}

export const moveEvidence = (history: History) =>
  evidenceOfScopes(
    'AnnotationHistory',
    (parents) =>
      Prisma.sql`SELECT ${MOVE_CELL} AS cell, id FROM (${endedVisits(history, parents)}) AS moves`,
  );

/** What happened in scopes, by the days of a time zone. */
export interface DailyHistory extends History {
  readonly timeZone: string;
}

/**
 * The days of each scope that has a record in the range, from its first record or the start of the range to its last record
 * or the end of the range: more than it may list, where there are.
 */
function days(
  { scope, timeRange, timeZone }: DailyHistory,
  parents: readonly RangeKey[],
): Prisma.Sql {
  const { from = null, to = null } = timeRange;
  return Prisma.sql`SELECT parent, day
    FROM (
      SELECT parent, ${localDay(Prisma.raw('first'), timeZone)} AS first, ${localDay(Prisma.raw('last'), timeZone)} AS last
      FROM (
        SELECT parent, greatest(min(created_time), ${from}::timestamptz) AS first,
          least(max(created_time), ${to}::timestamptz - interval '1 millisecond') AS last
        FROM (${recordsOfScopes(scope, parents)}) AS records GROUP BY parent) AS spans
      WHERE first <= last) AS spans
    CROSS JOIN LATERAL generate_series(
      first, least(last, first + make_interval(days => ${MAX_ROWS + 1})), interval '1 day') AS day`;
}

const DAY_CELL = cellSql(columns('parent', 'day'));

export interface DayRow {
  readonly parent: RangeKey;
  readonly cell: string;
  readonly label: string;
  readonly start: Date;
  readonly end: Date;
  readonly tasks: number;
}

/**
 * Numbers of tasks on each day of the scopes, by day; without days that no calendar had.
 * @param changes a statement that gives `parent`, `day` and what changes on it.
 * @param tasks makes the number of a day's changes.
 */
function byDay(
  prisma: PrismaClient,
  history: DailyHistory,
  parents: readonly RangeKey[],
  changes: Prisma.Sql,
  tasks: Prisma.Sql,
): Promise<DayRow[]> {
  return tellingNoWork(prisma).$queryRaw`
    SELECT parent, ${DAY_CELL} AS cell, time_label AS label, time_start AS start, time_end AS "end", tasks::int AS tasks
    FROM (
      SELECT *, ${bucketSql(Prisma.raw('day'), 'day', history.timeZone)}
      FROM (
        SELECT parent, day, bool_or(is_listed) AS is_listed, ${tasks} AS tasks
        FROM (
          SELECT parent, day, change, false AS is_listed FROM (${changes}) AS changes
          UNION ALL
          SELECT parent, day, 0, true FROM (${days(history, parents)}) AS days) AS changes
        GROUP BY parent, day) AS counted
      WHERE is_listed) AS listed
    WHERE time_start < time_end ORDER BY day`;
}

/** The first completion of each task, of those in the range. */
function completions(
  { scope, timeRange, timeZone }: DailyHistory,
  parents: readonly RangeKey[],
): Prisma.Sql {
  const at = Prisma.raw('created_time');
  return Prisma.sql`SELECT parent, id, ${localDay(at, timeZone)} AS day
    FROM (
      SELECT DISTINCT ON (parent, task_id) parent, id, created_time
      FROM (${recordsOfScopes(scope, parents)}) AS records
      WHERE action_type IN ${COMPLETED} ORDER BY parent, task_id, created_time, id) AS firsts
    WHERE ${inTimeRange(at, timeRange)}`;
}

/** How many tasks were completed for the first time on each day. */
export function throughput(
  prisma: PrismaClient,
  history: DailyHistory,
  parents: readonly RangeKey[],
): Promise<DayRow[]> {
  const changes = Prisma.sql`SELECT parent, day, 1 AS change FROM (${completions(history, parents)}) AS completions`;
  return byDay(prisma, history, parents, changes, Prisma.sql`sum(change)`);
}

export const completionEvidence = (history: DailyHistory) =>
  evidenceOfScopes(
    'AnnotationHistory',
    (parents) =>
      Prisma.sql`SELECT ${DAY_CELL} AS cell, id FROM (${completions(history, parents)}) AS completions`,
  );

/** How many tasks were in progress at the end of each day. */
export function workInProgress(
  prisma: PrismaClient,
  history: DailyHistory,
  parents: readonly RangeKey[],
): Promise<DayRow[]> {
  const { scope, timeRange, timeZone } = history;
  const at = Prisma.raw('created_time');
  // Every record says whether its task is in progress from then on.
  const changes = Prisma.sql`SELECT parent, ${localDay(at, timeZone)} AS day,
      in_progress - lag(in_progress, 1, 0) OVER ${IN_TASK} AS change
    FROM (
      SELECT parent, task_id, id, created_time, (status NOT IN ${OVER}
        AND NOT bool_or(action_type IN ${actions('INVALID')}) OVER ${IN_TASK})::int AS in_progress
      FROM (${recordsOfScopes(scope, parents)}) AS records
      WHERE ${inTimeRange(at, { to: timeRange.to })}) AS states`;
  const tasks = Prisma.sql`sum(sum(change)) OVER (PARTITION BY parent ORDER BY day)`;
  return byDay(prisma, history, parents, changes, tasks);
}
