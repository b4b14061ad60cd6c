import type { WorkloadKey, WorkloadMeasure } from '../domain/workload.ts';
import { Prisma } from './generated/client/client.ts';
import { areWholeDays, daysOf, rollUpCondition, timesOf } from './rollup-conditions.ts';
import { firstDaySince, ROLL_UP, ROLL_UP_ZONE, rolledUp } from './rollups.ts';
import { stretchOfDay } from './time.ts';
import { whereSql } from './where.ts';
import { columnsOf } from './workload-aggregates.ts';
import { keyColumns, name, TIME } from './workload-keys.ts';
import { sumOfParts } from './workload-measures.ts';
import { inScope, parentOf, type Workload, type Parents } from './workload-records.ts';

const KEY_SQL: Readonly<Partial<Record<WorkloadKey, string>>> = {
  campaign: 't0.campaign_id',
  annotationRequest: 't0.annotation_request_id',
  poolAssigneeId: 't0.pool_assignee_id',
};

/** Whether groups of records can be put together from roll-ups whose days are those of a zone. */
export function answeredByRollUps(
  { scope, where, grouping: { keys, unit }, timeZone }: Workload,
  measures: ReadonlySet<WorkloadMeasure>,
  rollUpZone: string,
): boolean {
  const tellsDays = unit !== undefined || measures.has('workingDays');
  const tellsTasksApart = measures.has('taskCount') || measures.has('frames');
  return (
    scope !== 'Pool' &&
    keys.every((key) => key in KEY_SQL) &&
    unit !== 'hour' &&
    (!tellsDays || timeZone === rollUpZone) &&
    // A task has been worked on by several, and on several days.
    (!tellsTasksApart || (unit === 'day' && keys.includes('poolAssigneeId'))) &&
    rollUpCondition(where ?? {}, rollUpZone) !== undefined
  );
}

/**
 * The requests whose roll-ups do not hold from a day on. Where roll-ups are not what they are taken for, that is all of them
 * from the beginning on.
 */
function staleDays(scope: Workload['scope'], parents: Parents, zone: string, areThose: Prisma.Sql) {
  return Prisma.sql`SELECT annotation_request_id, min(from_day) AS from_day FROM (
      SELECT annotation_request_id, ${firstDaySince(Prisma.raw('since'), zone)} AS from_day
      FROM workload_stale AS t0 WHERE ${inScope(scope, parents)}
      UNION ALL
      SELECT annotation_request_id, '-infinity'
      FROM (SELECT id AS annotation_request_id, campaign_id FROM annotation_request) AS t0
      WHERE NOT (${areThose}) AND ${inScope(scope, parents)}) AS notes
    GROUP BY annotation_request_id`;
}

function measureOfDays(measure: WorkloadMeasure): Prisma.Sql {
  return measure === 'workingDays'
    ? Prisma.sql`count(DISTINCT day) FILTER (WHERE record_count > 0)`
    : sumOfParts(measure);
}

/** The groups that roll-ups come to, with the records of what does not hold any more. */
export function groupsOfRollUps(
  workload: Workload,
  parents: Parents,
  measures: ReadonlySet<WorkloadMeasure>,
  zone: string,
): Prisma.Sql {
  const {
    scope,
    grouping: { keys, unit },
  } = workload;
  const condition = rollUpCondition(workload.where ?? {}, zone)!;
  // The zone may be another one by now, and the database may know more of its clocks than Node.js does.
  const areThose = Prisma.sql`${ROLL_UP_ZONE} = ${zone} AND ${areWholeDays(condition, zone)}`;
  const selected = [
    Prisma.sql`${parentOf(scope)} AS parent`,
    ...keys.map((key) => Prisma.raw(`${KEY_SQL[key]} AS ${name(key)}`)),
    ...(unit && unit !== 'hour'
      ? [Prisma.sql`${stretchOfDay(Prisma.raw('t0.day'), unit)} AS ${TIME}`]
      : []),
  ];
  const { names } = keyColumns(workload);
  return Prisma.sql`
    WITH stale AS MATERIALIZED (${staleDays(scope, parents, zone, areThose)})
    SELECT ${names} ${columnsOf(measures, measureOfDays)}
    FROM (
      SELECT ${Prisma.join(selected)}, t0.* FROM (
        SELECT ${ROLL_UP} FROM workload_day
        WHERE ${areThose} AND ${daysOf(condition, zone)} AND NOT EXISTS (
          SELECT FROM stale WHERE stale.annotation_request_id = workload_day.annotation_request_id
            AND stale.from_day <= workload_day.day)
        UNION ALL ${rolledUp('stale', zone, timesOf(condition))}) AS t0
      WHERE ${inScope(scope, parents)} AND ${whereSql('AnnotationHistory', 't0', condition.where)}) AS days
    GROUP BY ${names}`;
}
