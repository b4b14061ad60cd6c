import { Prisma } from '../database/generated/client/client.ts';
import { judgedReport, orderSql, unlessSmall } from '../database/report.ts';
import { minGroupFor, type Sight } from '../database/scoped.ts';
import { columnOf, whereSql } from '../database/where.ts';
import { groupsSql } from '../database/workload-groups.ts';
import { GatewayError } from '../domain/errors.ts';
import { LISTS } from '../domain/lists/fields.ts';
import { groupIsTooSmall } from '../domain/viewer.ts';
import {
  isWorkloadMeasure,
  readWorkload,
  TIME_COLUMN,
  WORKLOAD_MEASURES,
  type WorkloadArguments,
  type WorkloadMeasure,
} from '../domain/workload.ts';
import { instant } from '../import/instant.ts';
import type { Column, Section } from './sections.ts';

/** The columns of a stretch of time. */
const TIME_COLUMNS = ['timeLabel', TIME_COLUMN, 'timeEnd'];
const INSTANTS: ReadonlySet<string> = new Set([
  TIME_COLUMN,
  'timeEnd',
  ...Object.values(LISTS.Workload.fields)
    .filter(({ kind }) => kind === 'instant')
    .map(({ column }) => column),
]);

/** @throws GatewayError (BAD_USER_INPUT) for what is no measure. */
function readMeasures(names: readonly string[] | undefined): readonly WorkloadMeasure[] {
  if (names === undefined) return WORKLOAD_MEASURES;
  const unknown = names.find((name) => !isWorkloadMeasure(name));
  if (unknown !== undefined || names.length === 0) {
    const problem = unknown === undefined ? 'is empty' : `names ${JSON.stringify(unknown)}`;
    throw new GatewayError(
      'BAD_USER_INPUT',
      `The argument "measures" ${problem}; the measures are ${WORKLOAD_MEASURES.join(', ')}.`,
    );
  }
  return WORKLOAD_MEASURES.filter((name) => names.includes(name));
}

function columnFor(name: string): Column {
  const sql = `t0.${columnOf(name)}`;
  return { name, sql: INSTANTS.has(name) ? instant.write(sql) : sql };
}

/** The groups of records that are asked for: a column for each key and measure. */
export function workloadSection(
  args: WorkloadArguments,
  measureNames: readonly string[] | undefined,
  sight: Sight,
  rollUpZone: string | undefined,
): Section {
  const { grouping, timeZone, where, having, order, measures } = readWorkload(args);
  const shown = readMeasures(measureNames);
  const keys = grouping.columns.flatMap((name) => (name === TIME_COLUMN ? TIME_COLUMNS : [name]));
  const workload = { scope: undefined, where, grouping, timeZone };
  const minGroup = minGroupFor(sight);
  const isCounted = minGroup !== undefined;
  const groups = groupsSql(
    workload,
    [],
    new Set([...shown, ...measures]),
    isCounted,
    sight.people === 'shown' ? rollUpZone : undefined,
  );
  const fulfilled = whereSql(undefined, 't0', having ?? {});
  return {
    type: 'workload',
    columns: [...keys, ...shown].map(columnFor),
    from: Prisma.sql`(${isCounted ? judgedReport(groups) : groups}) AS t0`,
    where: isCounted ? unlessSmall(fulfilled, minGroup) : fulfilled,
    order: orderSql(order),
    ...(isCounted && {
      told: {
        condition: Prisma.sql`(t0.operators < ${minGroup}) IS NOT TRUE`,
        refusal: () => groupIsTooSmall(minGroup),
      },
    }),
  };
}
