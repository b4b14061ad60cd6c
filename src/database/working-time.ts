import type { TimeBucket } from '../domain/time.ts';
import type { RawRow } from './aggregates.ts';
import { actions } from './codes.ts';
import { cellSql, type Evidence } from './evidence.ts';
import { Prisma, type PrismaClient } from './generated/client/client.ts';
import { countReport, pageOfReport, type ReportPage } from './report.ts';
import { bucketSql, localDay, nearBuckets, readBucket, startOfDay } from './time.ts';
import { whereSql } from './where.ts';

/**
 * How long operators worked, by day. What is known are the instants of their records, so that work is what lies between
 * two of them that are close enough, or that begin and end the work on one task.
 */

/** Whose working time, and by which limits. */
export interface WorkingTime {
  /** Which records are counted, and may end a stretch of work. */
  readonly where: object | undefined;
  readonly timeZone: string;
  /** Longest time between two consecutive records of an operator that counts as work, in seconds. */
  readonly maxGapSeconds: number;
  /** The same from picking up or resuming a task to the operator's next record on it. */
  readonly maxTaskGapSeconds: number;
}

/** An operator's day. */
export interface WorkingTimeRow {
  readonly cell: string;
  readonly poolAssigneeId: bigint;
  readonly time: TimeBucket;
  /** The start of `time`, by which rows are ordered. */
  readonly timeStart: Date;
  readonly recordCount: number;
  readonly instances: bigint;
  readonly durationSeconds: number;
  readonly secondsPerInstance: number | null;
  readonly excludedCount: number;
  readonly excludedSeconds: number;
}

const STARTS_WORK = actions('SEND_TASK', 'RESUME');
const MATCHING = Prisma.raw('pool_assignee_id IS NOT NULL');

/** All records of the operators who have matching ones, and which of them match. */
function recordsSql(where: object | undefined): Prisma.Sql {
  const columns = Prisma.sql`record.pool_assignee_id, record.task_id, record.id, record.created_time,
    record.action_type IN ${STARTS_WORK} AS starts`;
  if (!where) {
    return Prisma.sql`SELECT ${columns}, true AS matches FROM annotation_history AS record
      WHERE ${MATCHING}`;
  }
  // One range of the index an operator; OFFSET keeps PostgreSQL from reading the whole table for a join instead.
  return Prisma.sql`SELECT record.*, record.id IN (SELECT id FROM matching) AS matches
    FROM (SELECT DISTINCT pool_assignee_id FROM matching) AS operator CROSS JOIN LATERAL (
      SELECT ${columns} FROM annotation_history AS record
      WHERE record.pool_assignee_id = operator.pool_assignee_id OFFSET 0) AS record`;
}

/**
 * The report: a row for each operator and day. An operator's records cut the time into gaps; a gap is work if it is short
 * enough, or if it lies within a short enough stretch of work on one task. Both are told by the record at the end, which has
 * to be one that is asked for. Since a stretch begins and ends with records, every gap lies wholly inside it or outside: one
 * inside is told by the latest end of the stretches that have begun, which is a running maximum.
 */
function workingTimeSql({ where, timeZone, maxGapSeconds, maxTaskGapSeconds }: WorkingTime) {
  const day = (instant: string) => localDay(Prisma.raw(instant), timeZone);
  const seconds = (count: number) => Prisma.sql`make_interval(secs => ${count})`;
  const nextDay = Prisma.raw(`(day + interval '1 day')`);
  return Prisma.sql`
    WITH matching AS MATERIALIZED (
      SELECT t0.id, t0.pool_assignee_id, t0.created_time, t0.instance_num FROM annotation_history AS t0
      WHERE ${MATCHING} AND ${whereSql('AnnotationHistory', 't0', where ?? {})}),
    record AS (${recordsSql(where)}),
    gap AS (
      SELECT pool_assignee_id, created_time, id, starts,
        lead(created_time) OVER by_operator AS next_time,
        lead(matches) OVER by_operator AS next_matches,
        lead(created_time) OVER by_task AS task_next_time,
        lead(matches) OVER by_task AS task_next_matches
      FROM record
      WINDOW by_operator AS (PARTITION BY pool_assignee_id ORDER BY created_time, id),
        by_task AS (PARTITION BY pool_assignee_id, task_id ORDER BY created_time, id)),
    judged AS (
      SELECT pool_assignee_id, created_time, next_time,
        next_matches AND next_time - created_time <= ${seconds(maxGapSeconds)} AS is_short,
        next_matches AS is_asked_for,
        max(task_next_time) FILTER (WHERE starts AND task_next_matches
          AND task_next_time - created_time <= ${seconds(maxTaskGapSeconds)}) OVER so_far AS works_until,
        max(task_next_time) FILTER (WHERE starts AND task_next_matches) OVER so_far AS may_work_until
      FROM gap
      WINDOW so_far AS (PARTITION BY pool_assignee_id ORDER BY created_time, id)),
    stretch AS (
      SELECT pool_assignee_id, created_time AS start, next_time AS "end",
        is_short OR coalesce(works_until > created_time, false) AS is_work,
        ${day('created_time')} AS first_day, ${day('next_time')} AS last_day
      FROM judged
      WHERE next_time > created_time AND (is_asked_for OR may_work_until > created_time)),
    part AS (
      SELECT pool_assignee_id, first_day AS day, extract(epoch FROM "end" - start) AS seconds
      FROM stretch WHERE is_work AND first_day = last_day
      UNION ALL
      SELECT pool_assignee_id, day, extract(epoch FROM least("end", ${startOfDay(nextDay, timeZone)})
        - greatest(start, ${startOfDay(Prisma.raw('day'), timeZone)}))
      FROM stretch CROSS JOIN LATERAL generate_series(first_day, last_day, interval '1 day') AS day
      WHERE is_work AND first_day < last_day),
    found AS (
      SELECT pool_assignee_id, ${day('created_time')} AS day, 1 AS records, instance_num,
        0::numeric AS seconds, 0 AS excluded, 0::numeric AS excluded_seconds FROM matching
      UNION ALL SELECT pool_assignee_id, day, 0, 0, seconds, 0, 0 FROM part WHERE seconds > 0
      UNION ALL SELECT pool_assignee_id, last_day, 0, 0, 0, 1, extract(epoch FROM "end" - start)
        FROM stretch WHERE NOT is_work),
    total AS (
      SELECT pool_assignee_id, day, sum(records) AS record_count, sum(instance_num)::bigint AS instances,
        sum(seconds)::float8 AS duration_seconds, sum(excluded) AS excluded_count,
        sum(excluded_seconds)::float8 AS excluded_seconds
      FROM found GROUP BY pool_assignee_id, day)
    SELECT NULL::text AS parent, ${cellSql([Prisma.raw('pool_assignee_id'), Prisma.raw('day')])} AS cell,
      pool_assignee_id, ${bucketSql(Prisma.raw('day'), 'day', timeZone)},
      record_count, instances, duration_seconds, duration_seconds / nullif(instances, 0) AS seconds_per_instance,
      excluded_count, excluded_seconds
    FROM total`;
}

function readRow(raw: RawRow): WorkingTimeRow {
  return {
    cell: raw.cell as string,
    poolAssigneeId: raw.pool_assignee_id as bigint,
    time: readBucket(raw),
    timeStart: raw.time_start as Date,
    recordCount: Number(raw.record_count),
    instances: raw.instances as bigint,
    durationSeconds: raw.duration_seconds as number,
    secondsPerInstance: raw.seconds_per_instance as number | null,
    excludedCount: Number(raw.excluded_count),
    excludedSeconds: raw.excluded_seconds as number,
  };
}

/** One page of operators' days. */
export async function pageOfWorkingTime(
  prisma: PrismaClient,
  workingTime: WorkingTime,
  page: ReportPage,
): Promise<WorkingTimeRow[]> {
  return (await pageOfReport(prisma, workingTimeSql(workingTime), page)).map(readRow);
}

/** How many days of operators there are. */
export async function countWorkingTime(
  prisma: PrismaClient,
  workingTime: WorkingTime,
): Promise<number> {
  const counts = await countReport(prisma, workingTimeSql(workingTime), undefined);
  return counts.get(null)?.count ?? 0;
}

/** The records that an operator's day has, of those that are asked for. */
export function workingTimeEvidence({ where, timeZone }: WorkingTime): Evidence<WorkingTimeRow> {
  return {
    model: 'AnnotationHistory',
    rows: (days) => {
      const operators = [...new Set(days.map(({ values }) => values.poolAssigneeId))];
      const near = nearBuckets(
        Prisma.raw('t0.created_time'),
        days.map(({ values }) => values.time),
      );
      return Prisma.sql`
        SELECT ${cellSql([Prisma.raw('pool_assignee_id'), Prisma.raw('day')])} AS cell, id FROM (
          SELECT t0.id, t0.pool_assignee_id,
            ${localDay(Prisma.raw('t0.created_time'), timeZone)} AS day
          FROM annotation_history AS t0
          WHERE t0.pool_assignee_id = ANY (${operators}) AND ${near}
            AND ${whereSql('AnnotationHistory', 't0', where ?? {})}) AS found`;
    },
  };
}
