import type { WorkloadMeasure } from '../domain/workload.ts';
import { Prisma } from './generated/client/client.ts';
import { ROW_OPERATORS } from './report.ts';
import { OPERATOR } from './small-groups.ts';
import { columnOf } from './where.ts';
import { keyColumns } from './workload-keys.ts';
import {
  addsUpByTask,
  isByOperation,
  measureSql,
  operatorsOf,
  partSql,
  sumOfParts,
} from './workload-measures.ts';
import type { Workload } from './workload-records.ts';

/** Records with what groups and measures are made of. */
function keyedSql(workload: Workload, records: Prisma.Sql, isCounted: boolean): Prisma.Sql {
  const keys = keyColumns(workload);
  return Prisma.sql`SELECT ${keys.selected}, records.received, records.task_id, records.id,
      records.action_type, records.created_time, records.instance_num, records.attributes_num,
      records.frame_count ${Prisma.raw(isByOperation(workload) ? ', operation.value::numeric AS operation_count' : '')}
      ${Prisma.raw(isCounted ? `, records.${OPERATOR}` : '')}
    FROM (${records}) AS records ${keys.joins}`;
}

/** Groups of records that are whole: no measure of theirs is to be put together from parts. */
function wholeGroups(
  workload: Workload,
  records: Prisma.Sql,
  measures: ReadonlySet<WorkloadMeasure>,
  isCounted: boolean,
): Prisma.Sql {
  const { names } = keyColumns(workload);
  // A task's last record in its group, which the number of its frames is taken from.
  const last = Prisma.sql`, NOT received AND row_number() OVER (
    PARTITION BY received, ${names}, task_id ORDER BY created_time DESC, id DESC) = 1 AS is_last`;
  const hasFrames = measures.has('frames') && !isByOperation(workload);
  const operators = isCounted
    ? Prisma.sql`, ${operatorsOf(measures, workload)} AS ${Prisma.raw(ROW_OPERATORS)}`
    : Prisma.empty;
  return Prisma.sql`SELECT ${names} ${columnsOf(measures, (measure) => measureSql(measure, workload))} ${operators}
    FROM (SELECT * ${hasFrames ? last : Prisma.empty} FROM (${keyedSql(workload, records, isCounted)}) AS keyed) AS records
    GROUP BY ${names}`;
}

/** The same groups, put together from their tasks: a task that is a row need not be told from its repetitions. */
function groupsByTask(
  workload: Workload,
  records: Prisma.Sql,
  measures: ReadonlySet<WorkloadMeasure>,
): Prisma.Sql {
  const { names } = keyColumns(workload);
  return Prisma.sql`SELECT ${names} ${columnsOf(measures, sumOfParts)}
    FROM (
      SELECT ${names} ${columnsOf(measures, (measure) => partSql(measure, workload))}
      FROM (${keyedSql(workload, records, false)}) AS records
      GROUP BY ${names}, task_id) AS tasks
    GROUP BY ${names}`;
}

/** Measures under the names of their columns, each behind a comma. */
export function columnsOf(
  measures: ReadonlySet<WorkloadMeasure>,
  sqlOf: (measure: WorkloadMeasure) => Prisma.Sql,
): Prisma.Sql {
  const columns = [...measures].map(
    (measure) => Prisma.sql`, ${sqlOf(measure)} AS ${Prisma.raw(columnOf(measure))}`,
  );
  return columns.length > 0 ? Prisma.join(columns, ' ') : Prisma.empty;
}

/**
 * Records in groups: the keys by the names of {@link keyColumns}, and the measures under their own.
 * @param isCounted whether each group is to say of how many people it is.
 */
export function aggregateRecords(
  workload: Workload,
  records: Prisma.Sql,
  measures: ReadonlySet<WorkloadMeasure>,
  isCounted: boolean,
): Prisma.Sql {
  return !isCounted && addsUpByTask(measures, workload)
    ? groupsByTask(workload, records, measures)
    : wholeGroups(workload, records, measures, isCounted);
}
