import fc from 'fast-check';
import type { PrismaClient } from '../../src/database/generated/client/client.ts';
import { Prisma } from '../../src/database/generated/client/client.ts';
import { readRollUpState, refreshRollUps } from '../../src/database/rollups-refresh.ts';
import { groupsSql } from '../../src/database/workload-groups.ts';
import type { Workload } from '../../src/database/workload-records.ts';
import { filterWhere } from '../../src/domain/lists/where.ts';
import {
  readWorkloadGrouping,
  WORKLOAD_MEASURES,
  type WorkloadMeasure,
} from '../../src/domain/workload.ts';
import { DAY, startOfDay } from './local-time.ts';

/** A question that roll-ups can answer, in the days of their zone. */
export interface RollUpQuestion {
  readonly workload: Omit<Workload, 'timeZone'>;
  readonly parents: string[];
  readonly measures: ReadonlySet<WorkloadMeasure>;
  /** Of which days, counted from some day on; open where there is none. */
  readonly days?: { readonly from: number | null; readonly to: number | null };
}

/** All that is kept, of everybody on every day. */
export const BY_OPERATOR: RollUpQuestion = {
  workload: {
    scope: undefined,
    where: undefined,
    grouping: readWorkloadGrouping(['poolAssigneeId', 'day']),
  },
  parents: [],
  measures: new Set(WORKLOAD_MEASURES),
};

/** Rows of the simulated and of the random histories, and rows that nobody has. */
const PARENTS = {
  Campaign: ['c-1', 'c "é"', 'none'],
  AnnotationRequest: ['r-1', 'R-3', 'r-4', 'r-2', "r'5", 'none'],
} as const;

const FILTERS = [
  undefined,
  { poolAssigneeId: { in: ['5001', '9007199254740993'] } },
  { poolAssigneeId: { isNull: true } },
  { not: { poolAssigneeId: { eq: '5001' } } },
  { annotationRequest: { campaign: { campaignId: { eq: 'c-1' } } } },
  { annotationRequest: { name: { contains: 'r-' } } },
  { or: [{ poolAssigneeId: { lt: '5002' } }, { annotationRequest: { name: { eq: 'r-2' } } }] },
];

const scopeArbitrary = fc.oneof(
  fc.constant({ scope: undefined, parents: [] as string[] }),
  ...(['Campaign', 'AnnotationRequest'] as const).map((scope) =>
    fc.record({ scope: fc.constant(scope), parents: fc.subarray([...PARENTS[scope]]) }),
  ),
);

/** Anything but tasks, which add up over requests alone. */
const ADDITIVE = WORKLOAD_MEASURES.filter((name) => name !== 'taskCount' && name !== 'frames');

const groupingArbitrary = fc.oneof(
  fc.record({
    groupBy: fc.subarray(['campaign', 'annotationRequest'] as const).map((keys) => {
      return [...keys, 'poolAssigneeId', 'day'] as const;
    }),
    measures: fc.subarray([...WORKLOAD_MEASURES]),
  }),
  fc.record({
    groupBy: fc
      .tuple(
        fc.shuffledSubarray(['campaign', 'annotationRequest', 'poolAssigneeId'] as const),
        fc.subarray(['day', 'isoWeek', 'month'] as const, { maxLength: 1 }),
      )
      .map(([keys, units]) => [...units, ...keys]),
    measures: fc.subarray(ADDITIVE),
  }),
);

export const questionArbitrary: fc.Arbitrary<RollUpQuestion> = fc
  .tuple(
    scopeArbitrary,
    fc.constantFrom(...FILTERS),
    groupingArbitrary,
    fc.record({
      from: fc.option(fc.integer({ min: -2, max: 2 })),
      to: fc.option(fc.integer({ min: -1, max: 3 })),
    }),
  )
  .map(([{ scope, parents }, filter, { groupBy, measures }, days]) => ({
    days,
    workload: {
      scope,
      where: filterWhere('AnnotationHistory', filter),
      grouping: readWorkloadGrouping(groupBy),
    },
    parents,
    measures: new Set(measures),
  }));

/** The condition that records are of those days. */
function inDays({ from, to }: NonNullable<RollUpQuestion['days']>, day: string, timeZone: string) {
  const start = (days: number) =>
    new Date(
      startOfDay(new Date(Date.parse(day) + days * DAY).toISOString().slice(0, 10), timeZone),
    );
  return {
    AND: [
      ...(from === null ? [] : [{ createdTime: { gte: start(from) } }]),
      ...(to === null ? [] : [{ createdTime: { lt: start(to) } }]),
    ],
  };
}

/**
 * The groups that only the records come to, or only the roll-ups with them, at one moment.
 * @param day what the question's days are counted from; it is about all unless told.
 */
export function differencesSql(
  { workload, parents, measures, days }: RollUpQuestion,
  timeZone: string,
  day?: string,
): Prisma.Sql {
  const where =
    day && days ? { AND: [workload.where ?? {}, inDays(days, day, timeZone)] } : workload.where;
  const asked = { ...workload, where, timeZone };
  const raw = groupsSql(asked, parents, measures, false);
  const rolled = groupsSql(asked, parents, measures, false, timeZone);
  // Days may begin at another hour than midnight.
  if (!day && !rolled.sql.includes('workload_day')) throw new Error('Only records would be read.');
  return Prisma.sql`
    WITH by_records AS (${raw}), by_roll_ups AS (${rolled})
    SELECT 'records' AS only_by, row_to_json(one)::text AS row
      FROM (SELECT * FROM by_records EXCEPT ALL SELECT * FROM by_roll_ups) AS one
    UNION ALL
    SELECT 'roll-ups', row_to_json(other)::text
      FROM (SELECT * FROM by_roll_ups EXCEPT ALL SELECT * FROM by_records) AS other`;
}

/** Rolls up until nothing is left to be done. */
export async function rollUpAll(prisma: PrismaClient): Promise<void> {
  while ((await readRollUpState(prisma)).notes > 0) await refreshRollUps(prisma);
}
