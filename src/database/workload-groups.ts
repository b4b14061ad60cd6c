import { WORKLOAD_KEYS, type WorkloadMeasure } from '../domain/workload.ts';
import { Prisma } from './generated/client/client.ts';
import { ROW_OPERATORS } from './report.ts';
import { bucketSql } from './time.ts';
import { columnOf } from './where.ts';
import { aggregateRecords } from './workload-aggregates.ts';
import { keyColumns, name, TIME } from './workload-keys.ts';
import {
  COUNTED_PEOPLE,
  PEOPLE,
  recordsOfBoth,
  type Workload,
  type Parents,
} from './workload-records.ts';
import { answeredByRollUps, groupsOfRollUps } from './workload-rollups.ts';

/**
 * A statement that gives the groups, with keys, measures and cells under their own names.
 * @param isCounted whether each is to say of how many people it is.
 * @param rollUpZone the time zone of the roll-ups that may be read; undefined where none may.
 */
export function groupsSql(
  workload: Workload,
  parents: Parents,
  measures: ReadonlySet<WorkloadMeasure>,
  isCounted: boolean,
  rollUpZone?: string,
): Prisma.Sql {
  const { grouping, timeZone } = workload;
  const groups = () => {
    const records = recordsOfBoth(workload, parents, isCounted ? COUNTED_PEOPLE : PEOPLE);
    return aggregateRecords(workload, records, measures, isCounted);
  };
  const isRolledUp =
    rollUpZone !== undefined && !isCounted && answeredByRollUps(workload, measures, rollUpZone);
  const shown = [
    ...grouping.keys.map((key) =>
      Prisma.raw(`${name(key)} AS ${columnOf(WORKLOAD_KEYS[key].column)}`),
    ),
    ...(grouping.unit ? [bucketSql(TIME, grouping.unit, timeZone)] : []),
    ...[...measures].map((measure) => Prisma.raw(columnOf(measure))),
    ...(isCounted ? [Prisma.raw(ROW_OPERATORS)] : []),
  ];
  return Prisma.sql`SELECT parent, ${keyColumns(workload).cell} AS cell ${shown.length > 0 ? Prisma.sql`, ${Prisma.join(shown)}` : Prisma.empty}
    FROM (${isRolledUp ? groupsOfRollUps(workload, parents, measures, rollUpZone) : groups()}) AS grouped`;
}
