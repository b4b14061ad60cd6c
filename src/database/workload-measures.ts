import type { TASK_ACTION } from '../domain/codes.ts';
import type { WorkloadMeasure } from '../domain/workload.ts';
import { actions } from './codes.ts';
import { Prisma } from './generated/client/client.ts';
import { operatorsSql } from './small-groups.ts';
import { localTime } from './time.ts';
import { columnOf } from './where.ts';
import type { Workload } from './workload-records.ts';

const OWN = Prisma.sql`NOT received`;
const ownBy = (action: keyof typeof TASK_ACTION) =>
  Prisma.sql`action_type IN ${actions(action)} AND NOT received`;
const receivedBy = (action: keyof typeof TASK_ACTION) =>
  Prisma.sql`action_type IN ${actions(action)} AND received`;

export const isByOperation = ({ grouping }: Workload) => grouping.keys.includes('operationKey');

/** The records of a group that a measure is made of. */
function recordsOf(measure: WorkloadMeasure, workload: Workload): Prisma.Sql {
  switch (measure) {
    case 'recordCount':
    case 'taskCount':
    case 'workingDays':
    case 'firstRecordAt':
    case 'lastRecordAt':
      return OWN;
    // Who touched nothing has added nothing.
    case 'instances':
      return isByOperation(workload)
        ? Prisma.sql`NOT received AND operation_count <> 0`
        : Prisma.sql`NOT received AND instance_num <> 0`;
    case 'attributes':
      return Prisma.sql`NOT received AND attributes_num <> 0`;
    case 'frames':
      return isByOperation(workload) ? OWN : Prisma.sql`is_last`;
    case 'submissions':
      return ownBy('SUBMIT_ANNOTATION');
    case 'checks':
      return ownBy('CHECK');
    case 'samplings':
      return ownBy('SAMPLING');
    case 'rejectionsGiven':
      return ownBy('REJECT');
    case 'returnsGiven':
      return ownBy('RETURN_FROM_WORK_POOL');
    case 'rejectionsReceived':
      return receivedBy('REJECT');
    case 'returnsReceived':
      return receivedBy('RETURN_FROM_WORK_POOL');
  }
}

/** A measure of a group, from its records. */
export function measureSql(measure: WorkloadMeasure, workload: Workload): Prisma.Sql {
  const of = Prisma.sql`FILTER (WHERE ${recordsOf(measure, workload)})`;
  const sum = (column: string) => Prisma.sql`coalesce(sum(${Prisma.raw(column)}) ${of}, 0)::bigint`;
  const untold = Prisma.sql`NULL::bigint`;
  switch (measure) {
    case 'taskCount':
      return Prisma.sql`count(DISTINCT task_id) ${of}`;
    case 'instances':
      return sum(isByOperation(workload) ? 'operation_count' : 'instance_num');
    case 'attributes':
      return isByOperation(workload) ? untold : sum('attributes_num');
    case 'frames':
      return isByOperation(workload) ? untold : sum('frame_count');
    case 'workingDays':
      return Prisma.sql`count(DISTINCT ${localTime(Prisma.raw('created_time'), workload.timeZone)}::date) ${of}`;
    case 'firstRecordAt':
      return Prisma.sql`min(created_time) ${of}`;
    case 'lastRecordAt':
      return Prisma.sql`max(created_time) ${of}`;
    case 'recordCount':
    case 'submissions':
    case 'checks':
    case 'samplings':
    case 'rejectionsGiven':
    case 'returnsGiven':
    case 'rejectionsReceived':
    case 'returnsReceived':
      return Prisma.sql`count(*) ${of}`;
  }
}

/**
 * Whether some measures are told sooner from the tasks of a group than from its records: where tasks are told apart, and
 * each of the measures adds up over them.
 */
export function addsUpByTask(
  measures: ReadonlySet<WorkloadMeasure>,
  { grouping: { unit } }: Workload,
): boolean {
  const tellsTasksApart = measures.has('taskCount') || measures.has('frames');
  return tellsTasksApart && (unit === 'day' || !measures.has('workingDays'));
}

/**
 * A record's frames behind what orders it, its time in milliseconds first: the greatest of these is the last record's. It
 * takes half the time of an ordered array, which keeps PostgreSQL from hashing.
 */
const BY_TIME = Prisma.raw(
  `ARRAY[(date_part('epoch', created_time) * 1000)::bigint, id, frame_count]`,
);

/** What a measure has in the records that a group has of one task. */
export function partSql(measure: WorkloadMeasure, workload: Workload): Prisma.Sql {
  // Where days are counted, the group lies within one.
  if (measure === 'taskCount' || measure === 'workingDays') return Prisma.sql`bool_or(${OWN})::int`;
  if (measure === 'frames' && !isByOperation(workload)) {
    return Prisma.sql`coalesce((max(${BY_TIME}) FILTER (WHERE ${OWN}))[3], 0)`;
  }
  return measureSql(measure, workload);
}

/** How those parts are put together, where they are not added up. */
const TOGETHER: Readonly<Partial<Record<WorkloadMeasure, string>>> = {
  workingDays: 'max',
  firstRecordAt: 'min',
  lastRecordAt: 'max',
};

/** A measure of a group, from those parts. */
export function sumOfParts(measure: WorkloadMeasure): Prisma.Sql {
  const column = columnOf(measure);
  const together = TOGETHER[measure];
  return Prisma.raw(together ? `${together}(${column})` : `sum(${column})::bigint`);
}

/** How many people a group is of: all whose records it has, and those whose records a measure is made of. */
export function operatorsOf(
  measures: ReadonlySet<WorkloadMeasure>,
  workload: Workload,
): Prisma.Sql {
  const conditions = [...measures].map((measure) => recordsOf(measure, workload));
  const different = new Map(conditions.map((condition) => [condition.sql, condition]));
  return operatorsSql([Prisma.sql`true`, ...different.values()]);
}
